"use strict";
// The index: open beside the text on a wide screen, folded above it on a narrow one.
(() => {
  const index = document.querySelector(".index details"), wide = matchMedia("(min-width: 60.01rem)");
  const follow = () => { index.open = wide.matches; };
  wide.addEventListener("change", follow);
  follow();
  // no caution stays folded on paper
  let folded = [];
  const fold = (open) => folded.forEach((d) => (d.open = open));
  addEventListener("beforeprint", () => { folded = [...document.querySelectorAll(".warns details:not([open])")]; fold(true); });
  addEventListener("afterprint", () => fold(false));
  index.addEventListener("click", (e) => { if (e.target.closest("a") && !wide.matches) index.open = false; });
})();
