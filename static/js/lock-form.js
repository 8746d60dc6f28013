// The form around the map. Its buttons go through the lock client; "Continue" is sent as a form when every click has its
// answer, with the token that the browser has now (another tab may have signed in) and the tag of the lock that is shown.

import { csrfToken } from "lock-request";

export function driveForm(form, client) {
  form.addEventListener("submit", (event) => {
    const { name, value } = event.submitter ?? {};
    if (name === "drop" || value === "release") {
      event.preventDefault();
      if (name === "drop") client.toggle(value);
      else client.want([]);
    } else if (client.busy || !csrfToken()) {
      event.preventDefault();
      sendOnceSettled(form, client);
    } else {
      form.elements.csrfmiddlewaretoken.value = csrfToken();
      form.elements.tag.value = client.lock.tag ?? form.elements.tag.value;
    }
  });
}

/** The last click has no answer yet: continue when the server has answered, with the seats that it granted. */
async function sendOnceSettled(form, client) {
  await client.settled();
  if (!csrfToken()) await client.refresh();
  const button = document.getElementById("basket-pay") ?? form.querySelector("[name=action][value=continue]");
  if (!csrfToken()) client.giveUp("cookieless");
  else if (client.requested.size) form.requestSubmit(button);
}
