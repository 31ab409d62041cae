/** When tables are compared, in this order. `up`: the web servers that are well by then. */
export const moments = [
  { name: "at rest", up: [1, 2, 3] },
  { name: "after a failure", up: [1, 3] },
  { name: "after a recovery", up: [1, 2, 3] },
  { name: "with every quorum lost", up: [] },
  { name: "with a quorum regained", up: [1, 2] },
  { name: "after a reload with edits", up: [1, 2] },
  { name: "after all is well again", up: [1, 2, 3] },
  { name: "after SIGTERM", up: [1, 2, 3] },
] as const satisfies readonly { readonly name: string; readonly up: readonly number[] }[];

export type Moment = (typeof moments)[number]["name"];
