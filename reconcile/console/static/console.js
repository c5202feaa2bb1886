/* All pages work without this file. It adds: copying, ticking a whole page, a running sum, filters folded on a phone, "/" to search. */
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const announced = document.getElementById("announced");
  if (matchMedia("(max-width: 1000px)").matches) document.querySelectorAll("details.fold").forEach((d) => { d.open = false; });

  document.addEventListener("click", async (e) => {
    const b = e.target.closest("[data-copy]");
    if (!b) return;
    try {
      await navigator.clipboard.writeText(b.dataset.copy);
      b.classList.add("done");
      if (announced) announced.textContent = "Copied";
    } catch {
      if (announced) announced.textContent = "Not copied: select the text instead";
    }
    setTimeout(() => { b.classList.remove("done"); if (announced) announced.textContent = ""; }, 1500);
  });

  document.addEventListener("keydown", (e) => {
    if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input:not([type=checkbox], [type=radio]), select, textarea")) return;
    const q = document.querySelector(".find input");
    if (q) { e.preventDefault(); q.focus(); }
  });

  const ticks = [...document.querySelectorAll("td.tick input")];
  const all = document.querySelector("th.tick input");
  const out = document.querySelector("[data-picked]");
  if (!ticks.length) return;
  // An exact sum of decimals given as texts: in whole units of the smallest place that any of them has.
  const sum = (amounts, least) => {
    const dp = Math.max(least, ...amounts.map((a) => (a.split(".")[1] ?? "").length));
    const n = amounts.reduce((so, a) => {
      const [whole, part = ""] = a.split(".");
      return so + BigInt(whole + part.padEnd(dp, "0"));
    }, 0n);
    const digits = (n < 0n ? -n : n).toString().padStart(dp + 1, "0");
    const whole = digits.slice(0, digits.length - dp).replace(/\B(?=(\d{3})+$)/g, ",");
    const part = digits.slice(digits.length - dp).replace(/0+$/, "").padEnd(least, "0");
    return (n < 0n ? "-" : "") + whole + (part && "." + part);
  };
  // Payments by currency; all else is counted beside them by its name, never added or netted.
  const show = () => {
    const on = ticks.filter((t) => t.checked);
    const by = new Map(), apart = new Map();
    for (const { dataset: d } of on) {
      const [groups, key] = d.cur ? [by, d.cur] : [apart, d.aparts];
      groups.set(key, [...(groups.get(key) ?? []), d]);
    }
    const money = [...by].sort().map(([cur, some]) => `${sum(some.map((d) => d.amount), +some[0].dp)} ${cur}`);
    const others = [...apart].map(([many, some]) => `${some.length} ${some.length === 1 ? some[0].apart : many}`);
    if (others.length) money.push(`apart: ${others.join(", ")}`);
    if (all) { all.checked = on.length === ticks.length; all.indeterminate = on.length > 0 && on.length < ticks.length; }
    if (out) out.textContent = on.length ? `${on.length} ticked: ${money.join(" · ")}` : "None ticked";
  };
  document.addEventListener("change", (e) => {
    if (e.target === all) ticks.forEach((t) => { t.checked = all.checked; });
    if (e.target.closest(".tick")) show();
  });
  show();
})();
