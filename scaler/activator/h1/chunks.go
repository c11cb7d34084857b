package h1

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/headway-dev/headway/scaler/activator/grammar"
)

// maxLine bounds a chunk-size line with its extension, maxTrailer all trailer
// lines together, and maxSpare what chunk-size lines have beyond maxPerChunk
// and twice their data: the same rule as net/http's.
const (
	maxLine     = 4 << 10
	maxTrailer  = 64 << 10
	maxSpare    = 16 << 10
	maxPerChunk = 16
)

// chunks reads a chunked body and writes it anew: data as it comes, sizes by
// itself, extensions dropped, trailers checked. It never holds data back, so
// that a stream flows.
//
//	state     expects                        then
//	size      hex digits [;extension] line   data, or trailers after size 0
//	data      bytes of the chunk             dataEnd
//	dataEnd   an empty line                  size
//	trailers  header lines, an empty line    done
type chunks struct {
	strict  bool // every line must end with CR LF, as in requests
	state   chunkState
	left    int64 // bytes of the chunk still to come
	spare   int   // bytes of size lines that data has not made up for
	trailer int   // bytes of trailers so far
	bytes   int64 // of data in all
}

type chunkState uint8

const (
	size chunkState = iota
	data
	dataEnd
	trailers
	done
)

// step takes what it can from in and appends what it means to out.
func (c *chunks) step(out, in []byte) (newOut []byte, taken int, err error) {
	for c.state != done {
		if c.state == data {
			n := int(min(int64(len(in)-taken), c.left))
			if n == 0 {
				return out, taken, nil
			}
			out = appendChunk(out, in[taken:taken+n])
			taken += n
			c.bytes += int64(n)
			if c.left -= int64(n); c.left == 0 {
				c.state = dataEnd
			}
			continue
		}
		end := bytes.IndexByte(in[taken:], '\n')
		if end < 0 {
			if len(in)-taken > maxLine {
				return out, taken, errors.New("a line of the chunked body is too long")
			}
			return out, taken, nil
		}
		line := in[taken : taken+end]
		taken += end + 1
		switch {
		case len(line) > 0 && line[len(line)-1] == '\r':
			line = line[:len(line)-1]
		case c.strict:
			return out, taken, grammar.BareLF
		}
		if out, err = c.line(out, line); err != nil {
			return out, taken, err
		}
	}
	return out, taken, nil
}

func (c *chunks) line(out, line []byte) ([]byte, error) {
	switch c.state {
	case size:
		n, ok := parseSize(line)
		if !ok {
			return out, errors.New("a chunk size is malformed")
		}
		if c.spare += len(line) - maxPerChunk - int(min(2*n, maxSpare)); c.spare > maxSpare {
			return out, errors.New("the body has more chunk extensions than data")
		}
		c.spare = max(c.spare, 0)
		c.left, c.state = n, data
		if n == 0 {
			c.state = trailers
			out = append(out, "0\r\n"...)
		}
	case dataEnd:
		if len(line) > 0 {
			return out, errors.New("a chunk is longer than its size")
		}
		c.state = size
	case trailers:
		if len(line) == 0 {
			c.state = done
			return append(out, "\r\n"...), nil
		}
		f, ok := parseField(line)
		if c.trailer += len(line); !ok || c.trailer > maxTrailer {
			return out, errors.New("a trailer is malformed or too long")
		}
		if mayTrail(f.kind) {
			out = appendField(out, &f)
		}
	}
	return out, nil
}

func parseSize(line []byte) (int64, bool) {
	digits, extension, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 || !grammar.All(extension, grammar.ValueChar) {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | int64(c-'a'+10)
		case 'A' <= c && c <= 'F':
			n = n<<4 | int64(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// appendChunk writes one chunk.
func appendChunk(out, data []byte) []byte {
	out = strconv.AppendInt(out, int64(len(data)), 16)
	out = append(out, "\r\n"...)
	out = append(out, data...)
	return append(out, "\r\n"...)
}
