// The curves of the tokens --ease-out and --ease-spring, for what is drawn by script. From 0 to 1 in both.

const SPRING = [[0, 0], [0.12, 0.36], [0.26, 0.87], [0.38, 1.06], [0.46, 1.05], [0.62, 0.99], [1, 1]];

/** Close to cubic-bezier(.2, .8, .2, 1). */
export const easeOut = (t) => 1 - (1 - t) ** 4;

export function spring(t) {
  const n = Math.max(1, SPRING.findIndex(([at]) => at >= t));
  const [[from, low], [to, high]] = [SPRING[n - 1], SPRING[n]];
  return low + ((high - low) * (t - from)) / (to - from);
}
