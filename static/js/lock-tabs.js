// The tabs of a browser have one lock. Each tells the others when it has changed it, and asks what it holds when somebody
// looks at it again: another device of the account, or a tab that has fallen asleep, tells nobody.

/** `name`: of the showtime, for a channel between its tabs. */
export function shareLock(name, client) {
  let channel = null;
  const look = () => document.visibilityState === "visible" && !client.busy && client.refresh();
  const open = () => {
    channel ??= new BroadcastChannel(name);
    channel.onmessage = ({ data }) => data !== client.lock.tag && client.refresh();
  };
  client.addEventListener("lock:granted", ({ detail: { asked, before } }) => {
    if (asked && before.tag !== client.lock.tag) channel?.postMessage(client.lock.tag);
  });
  document.addEventListener("visibilitychange", look);
  addEventListener("focus", look);
  addEventListener("online", look);
  addEventListener("pagehide", () => {
    channel?.close();
    channel = null;
  });
  addEventListener("pageshow", (event) => {
    open();
    if (event.persisted) client.refresh();
  });
  open();
}
