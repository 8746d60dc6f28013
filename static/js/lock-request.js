// One request of my lock over HTTP. No answer in time, an answer that cannot be read and an error of the server (5xx) are
// one and the same: nobody knows what has become of the request. Its status is 0.

const REQUEST_TIMEOUT = 10_000; // ms

/** The token of the cookie, which another tab may have renewed by signing in; empty when there is none. */
export function csrfToken() {
  return /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}

/** With `seats` a request to make these my lock, if it has that `tag`; else a look. Answers {status, body}. */
export async function requestLock(url, { seats, tag } = {}) {
  const headers = { Accept: "application/json" };
  if (seats) Object.assign(headers, { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), "If-Match": `"${tag}"` });
  const method = seats ? "PUT" : "GET";
  const body = seats && JSON.stringify({ seats });
  try {
    const response = await fetch(url, { method, headers, body, cache: "no-store", signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
    const answer = await response.json();
    return { status: response.status < 500 ? response.status : 0, body: answer };
  } catch {
    return { status: 0, body: {} };
  }
}
