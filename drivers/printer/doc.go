// Package printer drives ESC/POS ticket printers over a serial line, a USB printer device or TCP
// port 9100, and says of every job what is known of its paper.
//
// A Printer has one owner goroutine, its Run method. It opens the port, reopens it with back-off
// for as long as the device is away, asks for the status while idle, and prints one job at a time.
// While a port is open one more goroutine reads from it; Run returns only after both have ended.
// Print, Health, Changed, String and Halt may be called from any goroutine.
//
// What a Result promises:
//
//   - NotStarted: not one byte of the document was handed to the port.
//   - Printed with grade A: the printer acknowledged this very job, twice: after its text and after
//     its cut (GS ( H function 48, or a presenter that saw the ticket taken). Grade B: it answered a
//     queued status request behind the job and was healthy before and after. Grade C: it took all
//     bytes and says nothing more.
//   - Unknown: everything else. The driver never prints a document a second time by itself.
//
// After a job that did not end well the printer may be in the middle of a picture. Before anything
// else is printed it is brought back to command level (escpos.Encoder.Resync), also when the port
// had to be opened again.
//
// Good news is believed less easily than bad news: a device that was Failed or Absent is Ready only
// after two status rounds in which every question had exactly one answer and nothing else came, so
// noise on the line cannot turn "paper out" into "paper". The proofs that a printer gives
// (GS ( H, GS r) are tried out on every new connection before the first job, so that no ticket has
// to wait for an answer that never comes.
package printer
