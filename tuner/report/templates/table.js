// The trial table: sorted by any column, filtered by words, and tied to the chart.
const trials = (() => {
  const table = find("trial-table");
  if (!table) return { select() {}, onPick() {} };
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  let picked = () => {};
  find("tools").hidden = false;

  const order = (row, column) => row.cells[column].dataset.order;
  // Numbers by size, texts by letter, and what is missing last in either direction.
  const compare = (a, b, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [a, b].map((value) => (value === "inf" ? Infinity : Number(value)));
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x === y ? 0 : sign * (x < y ? -1 : 1);
    return sign * a.localeCompare(b);
  };
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    body.append(...rows.sort((a, b) => compare(order(a, column), order(b, column), sign)));
  }));

  const count = () => {
    const shown = rows.filter((row) => !row.hidden).length;
    const all = `${rows.length} trial${rows.length === 1 ? "" : "s"}`;
    find("shown").textContent = shown === rows.length ? all : `${shown} of ${all}`;
  };
  find("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    });
    count();
  });

  const select = (number) => {
    rows.forEach((row) => row.classList.toggle("selected", row.id === `trial-${number}`));
    return find(`trial-${number}`);
  };
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button.pick");
    if (!button) return;
    select(button.dataset.trial);
    picked(Number(button.dataset.trial));
  });
  return {
    select: (number) => {
      const row = select(number);
      if (!row) return;
      row.hidden = false;
      count();
      bring(row, "center");
      row.querySelector("button.pick").focus({ preventScroll: true });
    },
    onPick: (listener) => { picked = listener; },
  };
})();
