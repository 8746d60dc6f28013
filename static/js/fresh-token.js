// A form is sent with the token that the browser has now: another tab may have signed in since this page was opened.

document.addEventListener("submit", ({ target }) => {
  const token = /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1];
  const field = target.elements.csrfmiddlewaretoken;
  if (token && field) field.value = token;
});
