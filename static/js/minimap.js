// The whole hall in a corner while the map is zoomed. A frame marks the visible part; dragging it scrolls the map.

export class Minimap {
  constructor(root, zoom) {
    this.zoom = zoom;
    this.panel = root.querySelector(".stage__minimap");
    this.drawing = this.panel.querySelector("svg");
    this.frame = this.drawing.querySelector(".minimap__frame");
    const draw = () => this.draw();
    root.addEventListener("hall:zoomed", draw);
    zoom.window.addEventListener("scroll", draw, { passive: true });
    addEventListener("resize", draw);
    this.drawing.addEventListener("pointerdown", (event) => this.drag(event));
    this.drawing.addEventListener("pointermove", (event) => event.buttons && this.drag(event));
  }

  draw() {
    this.panel.hidden = this.zoom.isFit;
    if (this.panel.hidden) return;
    const [left, top, right, bottom] = this.zoom.view;
    const all = this.drawing.viewBox.baseVal;
    const x = Math.max(all.x, left);
    const y = Math.max(all.y, top);
    this.frame.setAttribute("x", x);
    this.frame.setAttribute("y", y);
    this.frame.setAttribute("width", Math.max(0, Math.min(all.x + all.width, right) - x));
    this.frame.setAttribute("height", Math.max(0, Math.min(all.y + all.height, bottom) - y));
  }

  /** Scroll the middle of the window to the pointer. */
  drag(event) {
    event.preventDefault();
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.drawing.getScreenCTM().inverse());
    this.zoom.centre(spot.x, spot.y);
  }
}
