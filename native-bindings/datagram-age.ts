import { native } from "./load.js";

interface Native {
  readonly datagramAge: (fd: number) => number;
}

/**
 * How long ago the kernel took in the datagram that was read last from socket `fd`, in milliseconds. NaN: it does not know. It notes
 * times from the first question on; they are times of day, so a step of the clock between arrival and question goes into the answer.
 */
export function datagramAge(fd: number): number {
  return (native as Native).datagramAge(fd);
}
