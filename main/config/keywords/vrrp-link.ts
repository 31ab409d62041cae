import { familyOf } from "../../address.js";
import { reportMissing } from "../apply.js";
import { integer, interfaceName, text } from "../args.js";
import { parseIp } from "../ip.js";
import { type Context, contextAt, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { OptionTable } from "../option-words.js";
import { named } from "./named.js";
import { longestPrefix } from "./net-args.js";
import type { LinkDraft, VrrpInstanceDraft } from "./vrrp-instance-draft.js";

const keyword = keywordsFor<VrrpInstanceDraft>();

type Vmac = Extract<LinkDraft, { kind: "vmac" }>;
type Ipvlan = Extract<LinkDraft, { kind: "ipvlan" }>;

const nothing = () => undefined;
const common: OptionTable = {
  name: { args: [interfaceName], apply: nothing, doc: "The next word is the name, whatever it looks like." },
  group: { args: [text], apply: nothing, doc: "Link group, by name or number." },
};
const vmacOptions: OptionTable = {
  ...common,
  netlink_notify_msg: { args: [], apply: nothing, doc: "Asks the kernel to tell of the interface below." },
};
const modes = ["bridge", "private", "vepa"] as const;
const ipvlanOptions: OptionTable = {
  ...common,
  bridge: { args: [], apply: nothing, doc: "Bridge mode.", default: "bridge" },
  private: { args: [], apply: nothing, doc: "Private mode." },
  vepa: { args: [], apply: nothing, doc: "VEPA mode." },
};

/** Virtual interfaces, and what else concerns the link that an instance runs on. */
export const linkKeywords = {
  use_vmac: keyword.words({
    shape: "[[name] <interface>] [<MAC: 5 or 6 octets>] [netlink_notify_msg] [group <number|name>]",
    options: vmacOptions,
    apply: (draft, words, context) => {
      const vmac: Vmac = { kind: "vmac", at: context.at };
      if (!readWords(vmac, words, context, (word) => vmacWord(vmac, word, context))) return;
      draft.link = vmac;
    },
    default: "off; with it a generated name",
    doc: "Runs the instance on a macvlan with the virtual MAC address; 5 octets are completed by the VRID.",
  }),
  use_ipvlan: keyword.words({
    shape: "[[name] <interface>] [<address>[/<prefix>]] [bridge|private|vepa] [group <number|name>]",
    options: ipvlanOptions,
    apply: (draft, words, context) => {
      const ipvlan: Ipvlan = { kind: "ipvlan", at: context.at };
      if (!readWords(ipvlan, words, context, (word) => ipvlanWord(ipvlan, word, context))) return;
      draft.link = ipvlan;
    },
    repeat: "first-wins-reported",
    default: "off; with it bridge mode",
    since: "2.0.17",
    doc: "Runs the instance on an ipvlan; IPv4 needs a source address.",
  }),
  use_vmac_addr: keyword.flag("vmacForAddresses", {
    since: "2.2.0",
    doc: "Macvlans for addresses on other interfaces, and of the other family.",
  }),
  vmac_xmit_base: keyword.flag("transmitBase", {
    doc: "Adverts go out and come in on the interface below the macvlan.",
  }),
  vrf: keyword.value({
    args: [interfaceName],
    apply: (draft, [name], { at, diagnostics }) => {
      const refuse = (why: string): void => {
        diagnostics.error("CFG_BAD_VALUE", at, `(${draft.name}) ${why} - ignoring`, "write interface or vrf, once");
      };
      if (draft.interface !== undefined) refuse("Cannot specify VRF interface and interface");
      else if (draft.vrf !== undefined) refuse("vrf is given twice");
      else draft.vrf = named(name, at);
    },
    since: "2.2.5",
    doc: "VRF of unicast adverts when no interface is set.",
  }),
  promote_secondaries: keyword.flag("promoteSecondaries", {
    doc: "A secondary address takes over when the primary one goes.",
  }),
  linkbeat_use_polling: keyword.flag("linkbeatPolling", {
    deprecated: { instead: "linkbeat_interfaces" },
    doc: "Polls the link of the interface.",
  }),
  kernel_rx_buf_size: keyword.words({
    shape: "<bytes: 0..4294967295>",
    apply: (draft, [value, surplus], { at, diagnostics }) => {
      const parsed = integer(0, 0xffff_ffff).parse(value?.text ?? "");
      if (parsed.ok && surplus === undefined) draft.receiveBufferBytes = parsed.value;
      else {
        const message = `(${draft.name}) invalid kernel_rx_buf_size specified - ignoring`;
        diagnostics.error("CFG_BAD_VALUE", value?.at ?? at, message, "write: kernel_rx_buf_size <0..4294967295>");
      }
    },
    default: "vrrp_rx_bufs_policy",
    since: "2.0.3",
    doc: "What this instance adds to the receive buffer of its socket.",
  }),
} as const;

/** The words that both kinds have; `other` takes the rest. @returns false: the line is left out, after reporting */
function readWords(link: LinkDraft, words: readonly Word[], context: Context, other: (word: Word) => void): boolean {
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === undefined) break;
    if (word.text !== "name" && word.text !== "group") {
      other(word);
      continue;
    }
    const value = words[++i];
    if (value === undefined) {
      reportMissing(contextAt(context, word).named(word.text), 2, word.text === "name" ? "<interface>" : "<group>");
      return false;
    }
    if (word.text === "group") link.group = named(value.text, value.at);
    else setName(link, value, context);
  }
  return true;
}

function setName(link: LinkDraft, word: Word, { diagnostics }: Context): void {
  const kind = link.kind === "vmac" ? "VMAC" : "ipvlan";
  const bad = word.text === "" || word.text.length > 15 || /[/\s:]/.test(word.text);
  const problem = link.name !== undefined ? "already specified" : bad ? "too long or invalid characters" : undefined;
  if (problem === undefined) link.name = word.text;
  else {
    const message = `${kind} interface name '${word.text}' ${problem} - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", word.at, message, "write one name of at most 15 characters");
  }
}

function vmacWord(vmac: Vmac, word: Word, context: Context): void {
  if (word.text === "netlink_notify_msg") vmac.notify = true;
  else if (word.text.includes(":")) setMac(vmac, word, context);
  else setName(vmac, word, context);
}

function setMac(vmac: Vmac, word: Word, { diagnostics }: Context): void {
  const octets = word.text
    .split(":")
    .map((octet) => (/^[0-9a-fA-F]{1,2}$/.test(octet) ? Number.parseInt(octet, 16) : Number.NaN));
  const refuse = (why: string, hint: string): void => {
    diagnostics.error("CFG_BAD_VALUE", word.at, `VMAC MAC address ${word.text} ${why} - ignoring`, hint);
  };
  const [first = 0] = octets;
  if (octets.length < 5 || octets.length > 6 || octets.some(Number.isNaN)) {
    refuse("is not 5 or 6 octets", "write: 02:01:02:03:04 (the VRID is added) or 02:01:02:03:04:05");
  } else if ((first & 1) === 1) refuse("is multicast", "its first octet has to be even");
  else if (/^0?0:0?0:5e:0?0:0?[12](?::|$)/i.test(word.text)) {
    refuse("is not allowed to be an RFC5798 address", "leave it out: that is the default");
  } else if (vmac.mac !== undefined) refuse("is a second one", "remove one of them");
  else vmac.mac = octets;
}

function ipvlanWord(ipvlan: Ipvlan, word: Word, context: Context): void {
  const { diagnostics } = context;
  const mode = modes.find((candidate) => candidate === word.text);
  const twice = (what: string): void => {
    const message = `ipvlan ${what} already specified - ignoring '${word.text}'`;
    diagnostics.error("CFG_REPEATED", word.at, message, "remove one of them");
  };
  if (mode !== undefined) {
    if (ipvlan.mode === undefined) ipvlan.mode = mode;
    else twice("type");
    return;
  }
  const [host = "", length] = word.text.split("/");
  const address = parseIp(host);
  if (address === undefined) setName(ipvlan, word, context);
  else if (ipvlan.address !== undefined) twice("address");
  else {
    const longest = longestPrefix(familyOf(address));
    const prefix = length === undefined ? { ok: true as const, value: longest } : integer(0, longest).parse(length);
    if (prefix.ok) ipvlan.address = { address, prefix: prefix.value, at: word.at };
    else {
      const message = `ipvlan address '${word.text}' has no valid prefix length - ignoring`;
      diagnostics.error("CFG_BAD_VALUE", word.at, message, `write a length between 0 and ${longest}`);
    }
  }
}
