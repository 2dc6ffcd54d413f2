// Every chart but the first: drawn when it comes near the screen.
(() => {
  const sources = JSON.parse(find("drawings").textContent);
  const draws = new Map([...document.querySelectorAll("[data-drawing]")].map((holder) => {
    const paper = ({ height = 300 }) => ({ width: holder.closest(".pairs") ? 460 : 900, height });
    return [holder, plotted(holder, sources[holder.dataset.drawing], { paper })];
  }));
  const near = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
    near.unobserve(target);
    draws.get(target)();
  }), { rootMargin: "400px" });
  draws.forEach((_, holder) => near.observe(holder));
})();
