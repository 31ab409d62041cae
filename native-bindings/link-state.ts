import { native } from "./load.js";

/** How a device is asked for its link; `auto` takes the first of the others that it knows. By number in C++. */
export const linkMethods = ["auto", "MII", "ETHTOOL", "IOCTL"] as const;
export type LinkMethod = (typeof linkMethods)[number];

export interface PolledLink {
  /** 0, or a positive errno: then the rest says nothing. */
  readonly errno: number;
  readonly up: boolean;
  /** What the device answered to. */
  readonly method: LinkMethod;
}

interface Native {
  readonly pollLink: (name: string, method: number, done: (errno: number, up: boolean, method: number) => void) => void;
}

/** Like `mii-tool`, `ethtool` or `ip link show` of one device, beside the calling thread. `method` is tried first. */
export const pollLink = (name: string, method: LinkMethod): Promise<PolledLink> =>
  new Promise((resolve) =>
    (native as Native).pollLink(name, linkMethods.indexOf(method), (errno, up, by) =>
      resolve({ errno, up, method: linkMethods[by] ?? "auto" }),
    ),
  );
