package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Format is the version of the record frames and of the layout of journal.db that this package writes.
const Format = 1

// MaxData is the largest size of a record's data in bytes.
const MaxData = 1 << 20

// Record is one entry of the journal.
type Record struct {
	// Seq is the number of the record: 1, 2, 3 … without gaps.
	Seq uint64
	// At is the office time of the record in Unix milliseconds.
	At int64
	// Day is the office day as YYYY-MM-DD and picks the ledger file. It is empty before the first day.
	Day string
	// Data is the caller's content. Records from Read share memory within a batch; treat Data as read-only.
	Data []byte
}

// A frame is, in big-endian order:
//
//	 0 magic  4  "OKJ" and the format version
//	 4 length 4  of data
//	 8 seq    8
//	16 at     8
//	24 day    4  as the decimal number YYYYMMDD, 0 for none
//	28 prev   4  crc of the record before, so that a frame found loose can be proved to belong
//	32 crc    4  CRC-32C of bytes 0–31 and of data
//	36 data
//
// The magic ends in a control byte, which JSON text cannot contain: searching for frames in a damaged file
// never mistakes an event's text for one.
const (
	frameMagic = "OKJ\x01"
	headerLen  = 36
	crcAt      = 32
)

// frame is a decoded record with its checksums. data aliases the decoded bytes.
type frame struct {
	Record
	prev, crc uint32
	raw       []byte
}

var (
	errShortFrame = errors.New("incomplete record frame")
	errBadFrame   = errors.New("damaged record frame")
)

func castagnoli() *crc32.Table {
	return crc32.MakeTable(crc32.Castagnoli)
}

// appendFrame appends the frame of r to dst and returns it with the frame's checksum.
func appendFrame(dst []byte, r Record, prev uint32) ([]byte, uint32, error) {
	if len(r.Data) > MaxData {
		return dst, 0, fmt.Errorf("record %d has %d bytes: %w", r.Seq, len(r.Data), ErrTooLarge)
	}
	day, err := packDay(r.Day)
	if err != nil {
		return dst, 0, fmt.Errorf("record %d: %w", r.Seq, err)
	}
	start := len(dst)
	dst = append(dst, frameMagic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(r.Data))) //nolint:gosec // bounded by MaxData
	dst = binary.BigEndian.AppendUint64(dst, r.Seq)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.At)) //nolint:gosec // two's complement, undone by decodeFrame
	dst = binary.BigEndian.AppendUint32(dst, day)
	dst = binary.BigEndian.AppendUint32(dst, prev)
	crc := frameCRC(dst[start:start+crcAt], r.Data)
	dst = binary.BigEndian.AppendUint32(dst, crc)
	return append(dst, r.Data...), crc, nil
}

func frameCRC(head, data []byte) uint32 {
	table := castagnoli()
	return crc32.Update(crc32.Checksum(head, table), table, data)
}

// decodeFrame decodes the frame at the start of b. errShortFrame means that b may be the beginning of a frame,
// errBadFrame that it is not one. frame.raw is the frame's part of b.
func decodeFrame(b []byte) (frame, error) {
	if len(b) < headerLen {
		if n := min(len(b), len(frameMagic)); string(b[:n]) != frameMagic[:n] {
			return frame{}, errBadFrame
		}
		return frame{}, errShortFrame
	}
	length := binary.BigEndian.Uint32(b[4:])
	if string(b[:4]) != frameMagic || length > MaxData {
		return frame{}, errBadFrame
	}
	end := headerLen + int(length)
	if len(b) < end {
		return frame{}, errShortFrame
	}
	crc := binary.BigEndian.Uint32(b[crcAt:])
	if frameCRC(b[:crcAt], b[headerLen:end]) != crc {
		return frame{}, errBadFrame
	}
	day, err := unpackDay(binary.BigEndian.Uint32(b[24:]))
	if err != nil {
		return frame{}, errBadFrame
	}
	return frame{
		Record: Record{
			Seq:  binary.BigEndian.Uint64(b[8:]),
			At:   int64(binary.BigEndian.Uint64(b[16:])), //nolint:gosec // two's complement, as written
			Day:  day,
			Data: b[headerLen:end:end],
		},
		prev: binary.BigEndian.Uint32(b[28:]),
		crc:  crc,
		raw:  b[:end:end],
	}, nil
}

// packDay turns YYYY-MM-DD into the decimal number YYYYMMDD. It checks the form, not the calendar.
func packDay(day string) (uint32, error) {
	if day == "" {
		return 0, nil
	}
	if len(day) != len("2006-01-02") || day[4] != '-' || day[7] != '-' {
		return 0, fmt.Errorf("%w %q", ErrBadDay, day)
	}
	var n uint32
	for i, c := range []byte(day) {
		if i == 4 || i == 7 {
			continue
		}
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w %q", ErrBadDay, day)
		}
		n = n*10 + uint32(c-'0')
	}
	if n == 0 {
		return 0, fmt.Errorf("%w %q", ErrBadDay, day)
	}
	return n, nil
}

func unpackDay(n uint32) (string, error) {
	if n == 0 {
		return "", nil
	}
	if n > 99999999 {
		return "", fmt.Errorf("%w: %d", ErrBadDay, n)
	}
	b := []byte("0000-00-00")
	for _, i := range [...]int{9, 8, 6, 5, 3, 2, 1, 0} {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return string(b), nil
}
