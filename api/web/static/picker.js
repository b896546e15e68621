// The face picker works without this: a tap on a face then reloads the page. With it, the tap marks the face at once.
"use strict";
const form = document.querySelector(".picker");
const show = (id) => form.querySelectorAll("[data-face]").forEach((box) => box.classList.toggle("chosen", box.dataset.face === id));
form?.addEventListener("change", (event) => { if (event.target.name === "face_id") show(event.target.value); });
form?.addEventListener("click", (event) => {
  const box = event.target.closest("[data-face]");
  const choice = box && form.querySelector(`input[name="face_id"][value="${box.dataset.face}"]`);
  if (!choice) return;
  event.preventDefault();
  choice.checked = true;
  show(choice.value);
});
