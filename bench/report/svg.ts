import { readable } from "../figures.js";
import type { Distribution } from "../scenarios/scenario.js";
import { byQuantity, quantileName } from "./table.js";

/** Distributions as curves: quantiles to the right, by their nines, values upwards on a logarithmic scale. One panel per case. */

const WIDTH = 720;
const HEIGHT = 300;
const MARGIN = { left: 80, right: 150, top: 40, bottom: 40 } as const;
const colours = ["#1b6ca8", "#c8511b", "#3a8a3a", "#7a3a8a", "#8a7a1b", "#555555"] as const;
/** Where the maximum is drawn: right of 99.99 %. */
const LAST_NINES = 5;

export function svg(title: string, distributions: readonly Distribution[]): string {
  const panels = byQuantity(distributions);
  const height = panels.length * HEIGHT + 30;
  const body = panels.map(
    ([name, curves], i) => `<g transform="translate(0,${30 + i * HEIGHT})">${panel(name, curves)}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${MARGIN.left}" y="20" font-size="15">${escapeXml(title)}</text>
${body.join("\n")}
</svg>
`;
}

function panel(name: string, curves: readonly Distribution[]): string {
  const values = curves.flatMap(({ quantiles }) => quantiles.map(([, value]) => value)).filter((value) => value > 0);
  const low = 10 ** Math.floor(Math.log10(Math.min(...values, 1e9)));
  const high = Math.max(low * 10, 10 ** Math.ceil(Math.log10(Math.max(...values, 1e-9))));
  const [innerWidth, innerHeight] = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const x = (q: number): number => MARGIN.left + (innerWidth * ninesOf(q)) / LAST_NINES;
  const y = (value: number): number =>
    MARGIN.top + innerHeight * (1 - Math.log(Math.max(value, low) / low) / Math.log(high / low));
  const decades = Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, i) => low * 10 ** i);
  const unit = curves[0]?.unit ?? "";
  return [
    `<text x="${MARGIN.left}" y="${MARGIN.top - 12}">${escapeXml(name)}, ${escapeXml(unit)}</text>`,
    ...decades.map((value) => horizontal(y(value), readable(value))),
    ...[0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1].map((q) => vertical(x(q), quantileName(q))),
    ...curves.map(({ subject, quantiles }, i) => {
      const colour = colours[i % colours.length] ?? "black";
      const points = quantiles.map(([q, value]) => `${x(q).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      const legend = MARGIN.top + 14 + i * 18;
      return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/><text x="${
        WIDTH - MARGIN.right + 14
      }" y="${legend}" fill="${colour}">${escapeXml(subject)}</text>`;
    }),
  ].join("\n");
}

/** 0.9 is 1, 0.99 is 2: the tail gets as much room as the body. The maximum has no number of nines. */
const ninesOf = (q: number): number => (q >= 1 ? LAST_NINES : Math.min(LAST_NINES, -Math.log10(1 - q)));

const horizontal = (y: number, label: string): string =>
  `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#ddd"/><text x="${
    MARGIN.left - 8
  }" y="${(y + 4).toFixed(1)}" text-anchor="end">${label}</text>`;

const vertical = (x: number, label: string): string =>
  `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}" stroke="#eee"/><text x="${x.toFixed(
    1,
  )}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${label}</text>`;

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
