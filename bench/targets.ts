/** A target for checks: accepts on all addresses of the host and says nothing. Usage: targets.js PORT */
import { createServer } from "node:net";

const server = createServer((socket) => {
  socket.on("error", () => socket.destroy()); // checks close with RST
});
server.listen(Number(process.argv[2]), "0.0.0.0", 4096);
