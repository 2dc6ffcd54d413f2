// The chart: drawn from the data of the page, in its colours, and tied to the table.
(() => {
  const holder = find("plot");
  if (!holder) return;
  const source = JSON.parse(find("chart-data").textContent);
  const scale = find("scale");
  const state = { log: source.log, trial: null };

  const keys = [...document.querySelectorAll("#chart .key")];

  const chosen = () => {
    const x = [], y = [];
    source.figure.data.forEach((trace) => (trace.customdata ?? []).forEach((number, index) => {
      if (number === state.trial && !trace.xaxis) {
        x.push(trace.x[index]);
        y.push(trace.y[index]);
      }
    }));
    return { x, y, text: [] };
  };

  const figure = (paper) => {
    const hidden = keys.filter((key) => key.getAttribute("aria-pressed") === "false").map((key) => key.dataset.group);
    const { data, layout } = theme.dark() && !paper ? recolour(source.figure, "", source.dark) : structuredClone(source.figure);
    data.forEach((trace) => { trace.visible = !hidden.includes(trace.legendgroup); });
    Object.assign(data.at(-1), chosen());
    Object.assign(layout.xaxis, source.axes[state.log ? "log" : "linear"]);
    if (holder.clientWidth < 560) Object.assign(layout.margin, { l: 48, r: 8 });
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    return [data, layout];
  };
  const draw = () => Plotly.react(holder, ...figure(false));

  const config = { displayModeBar: false, responsive: true, doubleClick: false };
  Plotly.newPlot(holder, ...figure(false), config).then(() => {
    holder.on("plotly_click", (event) => {
      const number = event.points[0].customdata;
      if (number === undefined) return;
      state.trial = number;
      draw();
      trials.select(number);
    });
    holder.on("plotly_doubleclick", draw);
  });

  keys.forEach((key) => {
    key.disabled = false;
    key.addEventListener("click", () => {
      key.setAttribute("aria-pressed", key.getAttribute("aria-pressed") !== "true");
      draw();
    });
  });
  theme.onChange(draw);
  trials.onPick((number) => {
    state.trial = number;
    draw();
    bring(holder, "nearest");
  });
  scale.hidden = false;
  scale.addEventListener("change", (event) => {
    state.log = event.target.value === "log";
    draw();
  });
  addEventListener("beforeprint", () => {
    const [data, layout] = figure(true);
    Plotly.react(holder, data, { ...layout, autosize: false, width: 980, height: 460 });
  });
  addEventListener("afterprint", draw);
})();
