// The chart of all trials: on a linear or a logarithmic axis, and tied to the table.
(() => {
  const holder = find("plot");
  if (!holder) return;
  const scale = find("scale");
  const state = { log: shared.log, trial: null };

  const chosen = () => {
    const x = [], y = [];
    shared.figure.data.forEach((trace) => (trace.customdata ?? []).forEach((number, index) => {
      if (number === state.trial && !trace.xaxis) {
        x.push(trace.x[index]);
        y.push(trace.y[index]);
      }
    }));
    return { x, y, text: [] };
  };

  const draw = plotted(holder, shared.figure, {
    adapt: ({ data, layout }) => {
      Object.assign(data.at(-1), chosen());
      Object.assign(layout.xaxis, shared.axes[state.log ? "log" : "linear"]);
    },
    picked: (number) => {
      state.trial = number;
      draw();
      trials.select(number);
    },
    paper: () => ({ width: 980, height: 460 }),
  });
  draw();

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
})();
