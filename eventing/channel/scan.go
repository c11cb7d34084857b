package channel

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
)

// block is what a file of a stream has, as server 2.15.2 writes it: records, of which
// each has the number after that of the one before, unless something was deleted.
//
//	length, with a bit for headers | number | time | length of subject | subject |
//	length of headers, if any | headers and data | HighwayHash-64 of all but lengths
type block struct {
	index       uint32
	size        int64
	first, last uint64 // numbers; first is 0 if the file has no event
	begin, end  int64  // times of these, in nanoseconds
	bytes       uint64 // of events
	// deleted is the greatest number that the file says was deleted; 0 is none.
	deleted uint64
	// odd is a block that does not have all numbers from first to last.
	odd bool
	sum [blockSum]byte // of its last record
}

const (
	recordHead  = 4 + 8 + 8 + 2
	blockSum    = 8
	mostRecord  = 32 << 20
	headersBit  = 1 << 31
	erasedBit   = 1 << 63
	deletionBit = 1 << 62
)

// errBlock is a file in which something else stands than the records of a block.
var errBlock = errors.New("a damaged block")

// scan reads the file of a block of a stream from its beginning to its end and checks
// every record. damaged are the numbers of events that cannot be read any more though
// their places are known; with an error nothing is known of what follows.
func scan(stream string, index uint32, file io.Reader) (b block, damaged []uint64, err error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, index))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		return b, nil, err
	}
	b.index = index
	r := bufio.NewReaderSize(file, 256<<10)
	var buf []byte
	for {
		head, err := r.Peek(recordHead)
		if errors.Is(err, io.EOF) && len(head) == 0 {
			return b, damaged, nil
		}
		if err != nil {
			return b, damaged, fmt.Errorf("%w: %w", errBlock, err)
		}
		length := int(binary.LittleEndian.Uint32(head) &^ headersBit)
		if length < recordHead+blockSum || length > mostRecord {
			return b, damaged, errBlock
		}
		buf = slices.Grow(buf[:0], length)[:length]
		if _, err := io.ReadFull(r, buf); err != nil {
			return b, damaged, fmt.Errorf("%w: %w", errBlock, err)
		}
		whole := intact(buf, subject(stream), sum)
		number, at := binary.LittleEndian.Uint64(buf[4:]), int64(binary.LittleEndian.Uint64(buf[12:]))
		if !whole && (b.first == 0 || number != b.last+1) {
			return b, damaged, errBlock
		}
		switch {
		case number == 0 || number&erasedBit != 0:
			b.odd = true
		case number&deletionBit != 0:
			b.deleted = max(b.deleted, number&^deletionBit)
		default:
			if b.first == 0 {
				b.first, b.begin = number, at
			} else if number != b.last+1 {
				b.odd = true
			}
			b.last, b.end = number, at
			b.bytes += uint64(length)
			if !whole {
				damaged = append(damaged, number)
			}
		}
		b.size += int64(length)
		copy(b.sum[:], buf[length-blockSum:])
	}
}

// intact reports whether a record of a stream with one subject is what was written. The
// hash does not have the lengths.
func intact(record []byte, subject string, sum hash.Hash) bool {
	end := len(record) - blockSum
	body := recordHead + int(binary.LittleEndian.Uint16(record[20:])) // where the subject ends
	rest := body
	if binary.LittleEndian.Uint32(record)&headersBit != 0 {
		rest += 4
	}
	if rest > end || body > recordHead && string(record[recordHead:body]) != subject {
		return false
	}
	if rest > body {
		length := int(binary.LittleEndian.Uint32(record[body:]))
		if length > end-rest || !bytes.HasSuffix(record[rest:rest+length], []byte("\r\n\r\n")) {
			return false
		}
	}
	sum.Reset()
	// Writing to a hash never fails.
	_, _ = sum.Write(record[4:20])
	_, _ = sum.Write(record[recordHead:body])
	_, _ = sum.Write(record[rest:end])
	return string(sum.Sum(nil)) == string(record[end:])
}

// streamFolders are those of the streams of a server, by name.
func streamFolders(dir string) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*"))
	folders := map[string]string{}
	for _, path := range paths {
		folders[filepath.Base(path)] = path
	}
	return folders, err
}

func blockPath(folder string, index uint32) string {
	return filepath.Join(folder, "msgs", fmt.Sprintf("%d.blk", index))
}

func indexPath(folder string) string { return filepath.Join(folder, "msgs", "index.db") }

// file is one of a block, of which only its size is known.
type file struct {
	index uint32
	size  int64
}

// listBlocks lists the blocks of a stream, the oldest first.
func listBlocks(folder string) (files []file, err error) {
	entries, err := os.ReadDir(filepath.Join(folder, "msgs"))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".blk")
		index, err := strconv.ParseUint(name, 10, 32)
		if !ok || err != nil {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		files = append(files, file{uint32(index), info.Size()})
	}
	slices.SortFunc(files, func(a, b file) int { return int(int64(a.index) - int64(b.index)) })
	return files, nil
}

// scanFile is scan of a file.
func scanFile(folder string, index uint32) (b block, damaged []uint64, err error) {
	f, err := os.Open(blockPath(folder, index))
	if err != nil {
		return b, nil, err
	}
	defer f.Close()
	return scan(filepath.Base(folder), index, f)
}
