// Side-by-side viewer: zoom and move both faces together, lay one over the other, fade or switch between them.
// Without this file the two pictures simply stand side by side.
"use strict";
document.querySelectorAll("[data-viewer]").forEach((viewer) => {
  const images = [...viewer.querySelectorAll(".frame img")];
  const tools = viewer.querySelector(".tools");
  const [zoom, turn, fade] = ["zoom", "turn", "fade"].map((name) => tools.querySelector(`[name=${name}]`));
  const over = tools.querySelector("[name=over]");
  const view = { x: 0, y: 0 };
  tools.hidden = false;

  const draw = () => {
    const scale = Number(zoom.value);
    const reach = (scale - 1) / (2 * scale) * 100;
    view.x = Math.max(-reach, Math.min(reach, view.x));
    view.y = Math.max(-reach, Math.min(reach, view.y));
    images.forEach((image, place) => {
      const angle = place === 1 ? Number(turn.value) : 0;
      image.style.transform = `scale(${scale}) translate(${view.x}%, ${view.y}%) rotate(${angle}deg)`;
      image.style.opacity = over.checked && place === 1 ? fade.value : 1;
    });
    viewer.classList.toggle("over", over.checked);
    fade.closest("label").hidden = !over.checked;
    viewer.querySelector("[data-switch]").hidden = !over.checked;
  };

  tools.addEventListener("input", draw);
  viewer.querySelector("[data-switch]").addEventListener("click", () => { fade.value = Number(fade.value) < 0.5 ? 1 : 0; draw(); });
  viewer.querySelector("[data-reset]").addEventListener("click", () => {
    Object.assign(view, { x: 0, y: 0 });
    zoom.value = 1; turn.value = 0; fade.value = 0.5; over.checked = false;
    draw();
  });
  viewer.querySelectorAll(".frame").forEach((frame) => {
    frame.addEventListener("pointerdown", (event) => frame.setPointerCapture(event.pointerId));
    frame.addEventListener("pointermove", (event) => {
      if (!frame.hasPointerCapture(event.pointerId)) return;
      const scale = Number(zoom.value) * frame.clientWidth / 100;
      view.x += event.movementX / scale;
      view.y += event.movementY / scale;
      draw();
    });
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom.value = Number(zoom.value) - Math.sign(event.deltaY) * 0.25;
      draw();
    }, { passive: false });
  });
  draw();
});
