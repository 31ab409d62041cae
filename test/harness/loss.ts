import { run } from "./command.js";

/**
 * Frames that a switch loses, by a filter of classic BPF at the port where they come in: `tc` has it wherever the kernel has
 * cls_bpf, and needs neither nft nor netem. Only VRRP is lost, with and without an authentication header, over IPv4 and IPv6.
 */
export type Loss =
  | { readonly kind: "all" }
  /** Each by itself, with this probability. */
  | { readonly kind: "random"; readonly share: number }
  /** All but each n-th, by the identification of the IPv4 header, which adverts count up in. */
  | { readonly kind: "all but each"; readonly nth: number };

interface Instruction {
  readonly code: number;
  readonly k: number;
  /** Number of instructions to skip, or "pass" or "drop". */
  readonly yes?: Target;
  readonly no?: Target;
}
type Target = "pass" | "drop" | "next";

/** linux/bpf_common.h, linux/filter.h */
const LOAD_HALF = 0x28;
const LOAD_BYTE = 0x30;
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const MODULO = 0x94;
const RETURN = 0x06;
/** SKF_AD_OFF + SKF_AD_RANDOM */
const RANDOM = 0xfffff000 + 56;
/** linux/pkt_cls.h */
const TC_ACT_OK = 0;
const TC_ACT_SHOT = 2;

const ETHERTYPE = 12;
const IPV4_IDENTIFICATION = 18;
const IPV4_PROTOCOL = 23;
const IPV6_NEXT_HEADER = 20;

/** Every frame that comes in at a device. @param namespace that the device is in */
export async function lose(namespace: string, device: string, loss: Loss): Promise<void> {
  const tc = (...words: readonly string[]): Promise<string> => run(["tc", "-n", namespace, ...words]);
  await tc("qdisc", "add", "dev", device, "clsact");
  const program = bytecode(loss);
  await tc("filter", "add", "dev", device, "ingress", "bpf", "da", "bytecode", program);
}

/** Undoes `lose`. */
export async function loseNothing(namespace: string, device: string): Promise<void> {
  await run(["tc", "-n", namespace, "qdisc", "del", "dev", device, "clsact"]);
}

/** As `tc-bpf(8)` reads it: the number of instructions, then each as `code yes no k`. */
export function bytecode(loss: Loss): string {
  const decide = decision(loss);
  // IPv6 first: 86dd, then VRRP; its adverts have no identification, so a rule that needs one lets them pass.
  const six: readonly Instruction[] = [
    { code: LOAD_BYTE, k: IPV6_NEXT_HEADER },
    { code: JUMP_EQUAL, k: 112, yes: "next", no: "pass" },
    ...(loss.kind === "all but each" ? [{ code: RETURN, k: TC_ACT_OK }] : decide),
  ];
  const four: readonly Instruction[] = [
    { code: LOAD_BYTE, k: IPV4_PROTOCOL },
    { code: JUMP_EQUAL, k: 51, yes: "next", no: "next" },
    { code: JUMP_EQUAL, k: 112, yes: "next", no: "pass" },
    ...decide,
  ];
  const whole: readonly Instruction[] = [
    { code: LOAD_HALF, k: ETHERTYPE },
    { code: JUMP_EQUAL, k: 0x86dd },
    ...six,
    { code: LOAD_HALF, k: ETHERTYPE },
    { code: JUMP_EQUAL, k: 0x0800, yes: "next", no: "pass" },
    ...four,
    { code: RETURN, k: TC_ACT_OK },
    { code: RETURN, k: TC_ACT_SHOT },
  ];
  const [pass, drop] = [whole.length - 2, whole.length - 1];
  const lines = whole.map(({ code, k, yes = "next", no = "next" }, i) => {
    const skip = (to: Target): number => (to === "next" ? 0 : (to === "pass" ? pass : drop) - i - 1);
    if (i === 1) return `${code} 0 ${six.length} ${k}`; // not IPv6: past its part
    if (k === 51 && code === JUMP_EQUAL) return `${code} 1 0 ${k}`; // AH: past the look for VRRP
    return `${code} ${skip(yes)} ${skip(no)} ${k}`;
  });
  return `${lines.length},${lines.join(",")},`;
}

function decision(loss: Loss): readonly Instruction[] {
  switch (loss.kind) {
    case "all":
      return [{ code: RETURN, k: TC_ACT_SHOT }];
    case "random":
      return [
        { code: LOAD_WORD, k: RANDOM },
        { code: JUMP_GREATER, k: Math.floor(loss.share * 0xffffffff), yes: "pass", no: "drop" },
      ];
    case "all but each":
      return [
        { code: LOAD_HALF, k: IPV4_IDENTIFICATION },
        { code: MODULO, k: loss.nth },
        { code: JUMP_EQUAL, k: 0, yes: "pass", no: "drop" },
      ];
    default:
      return loss satisfies never;
  }
}
