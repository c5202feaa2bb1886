/* All pages work without this file. It adds: copying, ticking a whole page, a running sum, filters folded on a phone, "/" to search. */
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const announced = document.getElementById("announced");
  if (matchMedia("(max-width: 960px)").matches) document.querySelectorAll("details.fold").forEach((d) => { d.open = false; });

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
  // Sums by currency, in whole minor units so that no cent is lost; refunds are counted, never netted.
  const show = () => {
    const on = ticks.filter((t) => t.checked);
    const by = new Map();
    for (const t of on) {
      const { cur, minor, dp, refund } = t.dataset;
      if (minor && !refund) by.set(cur, { n: (by.get(cur)?.n ?? 0n) + BigInt(minor), dp: +dp });
    }
    const money = [...by].map(([c, { n, dp }]) => {
      const s = n.toString().padStart(dp + 1, "0");
      const whole = s.slice(0, s.length - dp).replace(/\B(?=(\d{3})+$)/g, ",");
      return whole + (dp ? "." + s.slice(-dp) : "") + " " + c;
    });
    const back = on.filter((t) => t.dataset.refund).length;
    if (back) money.push(`${back} refund${back > 1 ? "s" : ""} apart`);
    if (all) { all.checked = on.length === ticks.length; all.indeterminate = on.length > 0 && on.length < ticks.length; }
    if (out) out.textContent = on.length ? `${on.length} ticked: ${money.join(" · ")}` : "None ticked";
  };
  document.addEventListener("change", (e) => {
    if (e.target === all) ticks.forEach((t) => { t.checked = all.checked; });
    if (e.target.closest(".tick")) show();
  });
  show();
})();
