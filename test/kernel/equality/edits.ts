import {
  type CheckName,
  type Edit,
  type Real,
  type Server,
  type Shape,
  webIpv4,
  webIpv6,
  webNumbers,
} from "./shape.js";

/** Words in which the tables of configurations say what a virtual server is, and how a reload edits it. */

export const web = (number: number, port = "80", lines = ""): Real => ({
  web: number,
  address: webIpv4(number),
  port,
  lines,
});
export const web6 = (number: number, port = "80", lines = ""): Real => ({
  ...web(number, port, lines),
  address: webIpv6(number),
});
export const webs = (port = "80", lines = ""): readonly Real[] => webNumbers.map((number) => web(number, port, lines));
export const webs6 = (port = "80", lines = ""): readonly Real[] =>
  webNumbers.map((number) => web6(number, port, lines));

export interface Also {
  readonly head?: string;
  readonly check?: CheckName;
  readonly reals?: readonly Real[];
}

/** An IPv4 virtual server with three web servers that TCP_CHECK looks after. */
export const server = (lines: string, { head = "%4.1 80", check = "tcp", reals = webs() }: Also = {}): Shape => ({
  servers: [{ head, lines, check, reals }],
});
export const server6 = (lines: string, also: Also = {}): Shape =>
  server(lines, { head: "%6::1 80", reals: webs6(), ...also });
/** Several as one configuration. */
export const together = (...shapes: readonly Shape[]): Shape => ({
  groups: Object.assign({}, ...shapes.map(({ groups }) => groups)) as Readonly<Record<string, readonly string[]>>,
  servers: shapes.flatMap(({ servers }) => servers),
});
/** A virtual server of a group that has the configuration's name and a suffix. */
export const grouped = (entries: readonly string[], lines: string, also: Also = {}, suffix = ""): Shape => ({
  ...server(lines, { head: `group %g${suffix}`, ...also }),
  groups: { [suffix]: entries },
});

const everyServer =
  (edit: (server: Server) => Server): Edit =>
  (shape) => ({ ...shape, servers: shape.servers.map(edit) });

export const lines = (text: string): Edit => everyServer((of) => ({ ...of, lines: text }));
export const plusLines = (text: string): Edit => everyServer((of) => ({ ...of, lines: `${of.lines}; ${text}` }));
export const weights = (...values: readonly number[]): Edit =>
  everyServer((of) => ({ ...of, reals: of.reals.map((real, i) => withWeight(real, values[i] ?? 1)) }));
export const without = (number: number): Edit =>
  everyServer((of) => ({ ...of, reals: of.reals.filter((real) => real.web !== number) }));
export const plus = (real: Real): Edit => everyServer((of) => ({ ...of, reals: [...of.reals, real] }));
export const reals = (list: readonly Real[]): Edit => everyServer((of) => ({ ...of, reals: list }));
export const check = (name: CheckName): Edit => everyServer((of) => ({ ...of, check: name }));
export const head = (text: string): Edit => everyServer((of) => ({ ...of, head: text }));
/** Of the group with `suffix`. */
export const entries =
  (list: readonly string[], suffix = ""): Edit =>
  (shape) => ({ ...shape, groups: { ...shape.groups, [suffix]: list } });
export const both =
  (...edits: readonly Edit[]): Edit =>
  (shape) =>
    edits.reduce((edited, edit) => edit(edited), shape);
export const nothing: Edit = (shape) => shape;
/** All of it is taken away. */
export const gone: Edit = () => ({ servers: [] });

function withWeight(real: Real, weight: number): Real {
  const others = real.lines
    .split(";")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("weight "));
  return { ...real, lines: [...others, `weight ${weight}`].join("; ") };
}
