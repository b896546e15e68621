// While somebody types into a long form, tell the server that they are there, at most once in two minutes.
"use strict";
let last = Date.now();
document.querySelector("form[data-stay]")?.addEventListener("input", () => {
  if (Date.now() - last < 120000) return;
  last = Date.now();
  new Image().src = `/alive?${last}`;
});
