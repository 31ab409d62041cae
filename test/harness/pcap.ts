import { type Milliseconds, ms } from "../../main/units.js";

/** One captured frame. `at` is the kernel's receive time since the epoch; a double keeps it exact to 0.3 µs. */
export interface CapturedFrame {
  readonly at: Milliseconds;
  readonly bytes: Uint8Array;
}

/** Classic pcap: magic, version 2.4, zone, sigfigs, snaplen, link type; then records. draft-ietf-opsawg-pcap */
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const LINKTYPE_ETHERNET = 1;

/**
 * Reads a pcap file of Ethernet frames. A last record that is not complete is left out: the writer may still be at it.
 * @throws RangeError when it is no pcap file or not of Ethernet frames
 */
export function readPcap(file: Uint8Array): readonly CapturedFrame[] {
  if (file.length < FILE_HEADER_BYTES) return [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const { little, fractionsPerMs } = format(view);
  const linkType = view.getUint32(20, little) & 0xffff;
  if (linkType !== LINKTYPE_ETHERNET) throw new RangeError(`pcap of link type ${linkType}, not Ethernet`);
  const frames: CapturedFrame[] = [];
  for (let offset = FILE_HEADER_BYTES; offset + RECORD_HEADER_BYTES <= file.length; ) {
    const length = view.getUint32(offset + 8, little);
    const start = offset + RECORD_HEADER_BYTES;
    if (start + length > file.length) break;
    const at = view.getUint32(offset, little) * 1000 + view.getUint32(offset + 4, little) / fractionsPerMs;
    frames.push({ at: ms(at), bytes: file.subarray(start, start + length) });
    offset = start + length;
  }
  return frames;
}

function format(view: DataView): { readonly little: boolean; readonly fractionsPerMs: number } {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === MAGIC_MICROSECONDS) return { little, fractionsPerMs: 1e3 };
    if (magic === MAGIC_NANOSECONDS) return { little, fractionsPerMs: 1e6 };
  }
  throw new RangeError("not a pcap file");
}
