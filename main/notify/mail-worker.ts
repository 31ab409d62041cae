import { parentPort } from "node:worker_threads";
import type { MailConfig } from "../config/model.js";
import { type Delivery, deliver, type Letter } from "./smtp.js";

/** Main → mail thread: one at a time. Mail thread → main: a `Delivery` for each. */
export interface MailOrder {
  readonly config: MailConfig;
  readonly letter: Letter;
}

parentPort?.on("message", (order: MailOrder) => {
  void deliver(order.config, order.letter).then((delivery: Delivery) => parentPort?.postMessage(delivery));
});
