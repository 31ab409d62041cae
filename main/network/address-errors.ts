import { constants } from "node:os";
import type { VirtualAddress } from "../config/model.js";

/** errno (positive) by the name that documentation uses. */
export const { EEXIST, ENODEV, EADDRNOTAVAIL, ENOBUFS } = constants.errno;

const nameByErrno = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));
// Two names share a number on Linux; these are the ones that rtnetlink's sources use.
nameByErrno.set(constants.errno.EAGAIN, "EAGAIN");
nameByErrno.set(constants.errno.EOPNOTSUPP, "EOPNOTSUPP");

/** `ENODEV`, or `errno 533` for a number that has no name. */
export const errnoText = (errno: number): string => nameByErrno.get(errno) ?? `errno ${errno}`;

export interface AddressFailure {
  readonly action: "add" | "delete";
  readonly address: VirtualAddress;
  /** Name of the interface, or its index when it is gone. */
  readonly on: string;
  /** Positive. */
  readonly errno: number;
  /** The kernel's own words (extended ack); may be empty. */
  readonly reason: string;
}

/** One sentence: which address, where, what the kernel said, what to do. */
export function explainAddressError(failure: AddressFailure): string {
  const { action, address, on, errno, reason } = failure;
  const what = `cannot ${action} address ${address.address}/${address.prefix} ${action === "add" ? "to" : "from"} ${on}`;
  const said = reason === "" ? errnoText(errno) : `${errnoText(errno)}, ${reason}`;
  return `${what}: ${said}: ${adviceFor(failure)}`;
}

function adviceFor({ address, on, errno }: AddressFailure): string {
  const { EPERM, EACCES, EINVAL, ERANGE, EOPNOTSUPP, EAFNOSUPPORT, ENOMEM } = constants.errno;
  switch (errno) {
    case EPERM:
      return "the daemon lacks the capability CAP_NET_ADMIN in this network namespace";
    case EACCES:
      return `IPv6 is disabled there; set net.ipv6.conf.${on}.disable_ipv6=0 or choose another interface`;
    case ENODEV:
      return "the interface is gone; check its name, or create it before the daemon needs it";
    case EADDRNOTAVAIL:
      return "the kernel does not accept this kind of address on an interface; configure a unicast address";
    case ERANGE:
      return `the label "${address.label ?? ""}" is too long; use at most 15 characters`;
    case EINVAL:
      return "the address, its prefix length or its scope is not valid there; correct it in the configuration";
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      return "the kernel has no support for this address family; load it or remove the address";
    case ENOMEM:
    case ENOBUFS:
      return "the kernel is short of memory; it is tried again with the next change of state";
    default:
      return "see `ip addr` and the kernel log";
  }
}
