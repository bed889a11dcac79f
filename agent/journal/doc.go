// Package journal keeps the numbered records of one branch: the truth from which everything else is
// folded.
//
// A record is opaque bytes with a sequence number, a time and an office day; the package knows nothing of
// tickets. There are two copies on the card. The journal proper is a bbolt file, journal.db: one commit
// per Append, durable when Append returns nil. Beside it stands the ledger, ledger/YYYY-MM-DD.log: the
// same frames appended to one file a day, written in the same step and synced at most Options.LedgerSync
// (1 s) later, so that it costs no second fsync per ticket.
//
// # Guarantees
//
//   - Records are contiguous, and each is framed with format version, length, sequence number, time, day,
//     the checksum of its predecessor, and a CRC-32C over all of it. Every read checks them; nothing
//     damaged is ever returned as data.
//   - Append is all or nothing. nil means durable. ErrFull, ErrReadOnly and ErrSequence alone mean
//     nothing was appended. ErrUnknownOutcome means exactly that: only Recover, which closes, verifies
//     and reopens the file, may say.
//   - The ledger is written after the commit, never before. So a record in the ledger was committed, and
//     a ledger that is ahead of the bbolt file proves that the card lost a commit: Open then takes the
//     missing records from the ledger. A commit that the ledger has not seen yet (killed in between) is
//     added to the ledger by the next Open.
//   - The bbolt file is verified in a child process before it is opened, since damage makes bbolt panic,
//     loop for ever or die of SIGBUS (measured). A damaged file is moved to
//     quarantine/ and the journal is rebuilt from the longest valid prefix of the ledger.
//   - Once provisioned, a journal never starts empty: with both copies lost Open fails with ErrLost.
//
// Cursors and the checkpoint are no records: they ride along and may be lost. A checkpoint is a cache of
// what the records up to its own fold to; Checkpoint returns only one of this very history.
//
// # What a restore may miss
//
// The last second before a power cut may be missing from the ledger. Report.MayMissTail says when that is
// possible, and Report.Leftover holds the records that were seen on the card but could not be restored.
// The caller must issue numbers above everything in Leftover, and with MayMissTail above what one more
// second could have printed.
//
// # Goroutines
//
// Open starts one goroutine (ledger sync, cursor flush, ballast); Close ends it. All methods may be
// called concurrently. The order of locks is Journal.mu, then Journal.dbMu or ledger.syncMu.
package journal
