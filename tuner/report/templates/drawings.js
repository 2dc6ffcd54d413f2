// Every other chart: drawn when it comes near the screen, in the colours of the page, with a legend of buttons.
const recolour = (value, key, colours) => {
  if (Array.isArray(value)) return value.map((item) => recolour(item, key, colours));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, recolour(item, name, colours)]));
  }
  return typeof value === "string" && /color(scale)?$/.test(key) ? colours[value] ?? value : value;
};
const quiet = { displayModeBar: false, responsive: true, doubleClick: "reset" };

(() => {
  const sources = JSON.parse(find("drawings").textContent);
  const dark = JSON.parse(find("chart-data").textContent).dark;
  const holders = [...document.querySelectorAll("[data-drawing]")];
  const drawn = new Set();

  const keys = (holder) => [...holder.closest("figure").querySelectorAll(".key")];
  const figure = (holder, paper) => {
    const source = sources[holder.dataset.drawing];
    const made = structuredClone(theme.dark() && !paper ? recolour(source, "", dark) : source);
    const hidden = keys(holder).filter((key) => key.getAttribute("aria-pressed") === "false").map((key) => key.dataset.group);
    made.data.forEach((trace) => { trace.visible = !hidden.includes(trace.legendgroup); });
    if (made.layout.height) holder.style.height = `${made.layout.height}px`;
    if (holder.clientWidth < 560) Object.assign(made.layout.margin, { l: Math.min(made.layout.margin.l, 44), r: 8 });
    if (matchMedia("(pointer: coarse)").matches) made.layout.dragmode = false;
    // The sizes that the style has on paper, which is not laid out yet.
    const size = { width: holder.closest(".pairs") ? 460 : 900, height: made.layout.height ?? 300 };
    if (paper) Object.assign(made.layout, { autosize: false, ...size });
    return [made.data, made.layout];
  };
  const draw = (holder, paper = false) => {
    const first = !drawn.has(holder);
    drawn.add(holder);
    Plotly.react(holder, ...figure(holder, paper), quiet);
    if (!first) return;
    holder.on("plotly_click", (event) => {
      const number = event.points[0].customdata;
      if (number !== undefined) trials.select(number);
    });
    keys(holder).forEach((key) => {
      key.disabled = false;
      key.addEventListener("click", () => {
        key.setAttribute("aria-pressed", key.getAttribute("aria-pressed") !== "true");
        draw(holder);
      });
    });
  };

  const near = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
    near.unobserve(target);
    draw(target);
  }), { rootMargin: "400px" });
  holders.forEach((holder) => near.observe(holder));
  theme.onChange(() => drawn.forEach((holder) => draw(holder)));
  addEventListener("beforeprint", () => holders.forEach((holder) => draw(holder, true)));
  addEventListener("afterprint", () => drawn.forEach((holder) => draw(holder)));
})();
