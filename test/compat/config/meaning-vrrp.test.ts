import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { vrrpData } from "../../../main/observe/vrrp-data.js";
import { vrrpJson } from "../../../main/observe/vrrp-json.js";
import { needs } from "../../harness/needs.js";
import { readDump, takeVrrpDumps } from "../../harness/reference-dump.js";
import { type CorpusFile, readCorpus } from "./corpus.js";
import { chosen, differing, type Meaning, readBlocks, readSection } from "./data-file.js";
import { loadCorpusFile } from "./our-config.js";
import { vrrpDumpOf } from "./our-dumps.js";

/**
 * Good files mean the same to keepalived and to us: its dumps of a VRRP process that has just started, and ours of the same
 * configuration, have the same values in the fields below. What lives (states, times, counters) is left out.
 */
const jsonFields = [
  "iname",
  "dont_track_primary",
  "skip_check_adv_addr",
  "strict_mode",
  "ifp_ifname",
  "garp_delay",
  "garp_refresh",
  "garp_rep",
  "garp_refresh_rep",
  "garp_lower_prio_delay",
  "garp_lower_prio_rep",
  "lower_prio_no_advert",
  "higher_prio_send_advert",
  "vrid",
  "base_priority",
  "promote_secondaries",
  "adver_int",
  "accept",
  "nopreempt",
  "preempt_delay",
  "version",
  "smtp_alert",
  "notify_deleted",
  "script_backup",
  "script_master",
  "script_fault",
  "script_stop",
  "script",
  "vips",
  "evips",
  "track_ifp",
  "track_script",
  "auth_type",
];

const instanceFields = [
  "VRRP Version",
  "Interface",
  "Gratuitous ARP delay",
  "Gratuitous ARP repeat",
  "Gratuitous ARP refresh",
  "Gratuitous ARP refresh repeat",
  "Gratuitous ARP lower priority delay",
  "Gratuitous ARP lower priority repeat",
  "Down timer adverts",
  "Send advert after receive lower priority advert",
  "Send advert after receive higher priority advert",
  "Virtual Router ID",
  "Priority",
  "Advert interval",
  "Accept",
  "Preempt",
  "Preempt delay",
  "Authentication type",
  "Virtual IP",
  "Virtual IP Excluded",
  "Unicast Peer",
  "Tracked interfaces",
  "Tracked scripts",
  "Using smtp notification",
  "Backup state transition script",
  "Master state transition script",
  "Fault state transition script",
  "Stop state transition script",
  "Generic state transition script",
];

const scriptFields = ["Command", "Interval", "Weight", "Rise", "Fall", "Script uid:gid"];

const globalFields = [
  "Router ID",
  "Smtp server",
  "Smtp server port",
  "Smtp HELO name",
  "Smtp server connection timeout",
  "Email notification from",
  "Email notification to",
  "VRRP IPv4 mcast group",
  "Gratuitous ARP interval",
  "Gratuitous NA interval",
  "VRRP default protocol version",
  "VRRP skip check advert addresses",
  "VRRP strict mode",
];

const skip = needs("root", "netns", "keepalived");

/**
 * Only what Debian's keepalived and we accept, and has something for VRRP to do: else it starts no process for it. The
 * synchronisation of connections needs a kernel with IPVS, without which the process ends.
 */
const files = readCorpus().filter(
  (file) =>
    file.good &&
    file.debian === undefined &&
    file.holdfast === undefined &&
    vrrpInstances(file) > 0 &&
    !file.text.includes("lvs_sync_daemon"),
);

describe("good files mean to keepalived's VRRP process what they mean to us", { skip }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-meaning-"));
  const own = ({ name }: CorpusFile): string => path.join(folder, name.replaceAll("/", "."));

  before(
    () => takeVrrpDumps(files.map((file) => ({ config: file.path, configId: file.configId, folder: own(file) }))),
    { timeout: 180_000 },
  );
  after(() => rmSync(folder, { recursive: true }));

  for (const file of files) {
    test(file.name, () => {
      const theirs = meaning(readDump(own(file), "keepalived.data"), readDump(own(file), "keepalived.json"));
      const differences = differing(theirs, meaning(...ours(file)));
      if (file.meaningDiffers === undefined) assert.deepEqual(differences, {}, file.about);
      else assert.notDeepEqual(differences, {}, `no difference any more: ${file.meaningDiffers}`);
    });
  }
});

function ours(file: CorpusFile): readonly [data: string, json: string] {
  const { config } = loadCorpusFile(file);
  assert.ok(config !== undefined);
  const dump = vrrpDumpOf(config);
  return [[...vrrpData(config.global, dump)].join(""), [...vrrpJson(dump)].join("")];
}

/** The compared fields of both dumps. */
function meaning(data: string, json: string): Meaning {
  const instances = JSON.parse(json) as readonly { readonly data: Readonly<Record<string, unknown>> }[];
  return new Map([
    ...chosen("global", readSection(data, "Global definitions"), globalFields),
    ...readBlocks(data, ["VRRP Instance"]).flatMap(({ title, fields }) => chosen(title, fields, instanceFields)),
    ...readBlocks(data, ["VRRP Script"]).flatMap(({ title, fields }) => chosen(title, fields, scriptFields)),
    ...instances.flatMap(({ data: fields }) => {
      const texts = Object.entries(fields).map(([name, value]) => [name, plain(value)] as const);
      return chosen(`JSON of ${plain(fields["iname"])}`, new Map(texts), jsonFields);
    }),
  ]);
}

const plain = (value: unknown): string => (Array.isArray(value) ? value.join("; ") : String(value));

function vrrpInstances(file: CorpusFile): number {
  return loadCorpusFile(file).config?.vrrpInstances.length ?? 0;
}
