// What all charts share: the colours of the page, a legend of buttons, hover texts, a click, and a size on paper.
const shared = JSON.parse(find("chart-data").textContent);
const plotted = (() => {
  const recolour = (value, key) => {
    if (Array.isArray(value)) return value.map((item) => recolour(item, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, recolour(item, name)]));
    }
    return typeof value === "string" && /color(scale)?$/.test(key) ? shared.dark[value] ?? value : value;
  };
  // What is said of a trial is kept once, and every mark of it says it after its own words.
  const tell = (trace) => {
    if (!trace.meta) return;
    trace.hovertext = trace.customdata.map((trial, index) =>
      [trace.hovertext?.[index], ...trace.meta.map((part) => shared.hovers[part][trial])].filter(Boolean).join("<br>"));
  };
  const off = (key) => key.getAttribute("aria-pressed") === "false";
  const quiet = { displayModeBar: false, responsive: true, doubleClick: false };

  // Returns what draws the chart; `adapt` has the last word on its data and layout, `picked` hears of a click on a trial.
  return (holder, source, { adapt = () => {}, picked = trials.select, paper }) => {
    source.data.forEach(tell);
    const keys = [...holder.closest("figure, section").querySelectorAll(".key")];
    const figure = (onPaper) => {
      const made = theme.dark() && !onPaper ? recolour(source, "") : structuredClone(source);
      const hidden = keys.filter(off).map((key) => key.dataset.group);
      made.data.forEach((trace) => { trace.visible = !hidden.includes(trace.legendgroup); });
      if (made.layout.height) holder.style.height = `${made.layout.height}px`;
      if (holder.clientWidth < 560) Object.assign(made.layout.margin, { l: Math.min(made.layout.margin.l, 48), r: 8 });
      if (matchMedia("(pointer: coarse)").matches) made.layout.dragmode = false;
      // The sizes that the style has on paper, which is not laid out yet.
      if (onPaper) Object.assign(made.layout, { autosize: false, ...paper(made.layout) });
      adapt(made);
      return [made.data, made.layout];
    };
    let drawn = false;
    const draw = (onPaper = false) => {
      Plotly.react(holder, ...figure(onPaper), quiet);
      if (drawn) return;
      drawn = true;
      holder.on("plotly_click", (event) => {
        const number = event.points[0].customdata;
        if (number !== undefined) picked(number);
      });
      holder.on("plotly_doubleclick", () => draw());
      theme.onChange(() => draw());
      addEventListener("afterprint", () => draw());
      keys.forEach((key) => {
        key.disabled = false;
        key.addEventListener("click", () => {
          key.setAttribute("aria-pressed", off(key));
          draw();
        });
      });
    };
    addEventListener("beforeprint", () => draw(true));
    return draw;
  };
})();
