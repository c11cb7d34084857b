package channel

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/highwayhash"
)

// A server believes its index of a stream only if not one event was written since,
// and reads all blocks otherwise; after a kill that is always so. So blocks that are
// full, and do not change any more, are noted when they were checked, and before a
// server starts, the others, which are the newest one or two, are checked and the
// index is written anew: with what a server would find by reading everything.
//
// A server that does not know the form reads everything, as does one for whose stream
// there is no index, because anything in it is not as it should be.

// errPart are blocks that are not the whole of a log in which nothing was deleted.
var errPart = errors.New("events are missing or were deleted")

// appendIndex appends the index of a stream with such blocks, in the form of version 4
// (server 2.15.2), or returns errPart.
func appendIndex(b []byte, stream string, blocks []block) ([]byte, error) {
	if len(blocks) == 0 || blocks[0].first == 0 {
		return nil, errPart
	}
	oldest, newest := blocks[0], blocks[len(blocks)-1]
	var bytes uint64
	for i, one := range blocks {
		bytes += one.bytes
		if one.odd || i > 0 && one.first != blocks[i-1].last+1 || one.deleted >= oldest.first {
			return nil, errPart
		}
	}
	events := newest.last - oldest.first + 1
	start := len(b)
	b = append(b, 11, 4) // magic and version
	b = binary.AppendUvarint(b, events)
	b = binary.AppendUvarint(b, bytes)
	b = binary.AppendUvarint(b, oldest.first)
	b = binary.AppendVarint(b, oldest.begin)
	b = binary.AppendUvarint(b, newest.last)
	b = binary.AppendVarint(b, newest.end)
	b = binary.AppendUvarint(b, 1) // subject
	b = binary.AppendUvarint(b, uint64(len(subject(stream))))
	b = append(b, subject(stream)...)
	b = binary.AppendUvarint(b, events)
	b = binary.AppendUvarint(b, uint64(oldest.index))
	b = binary.AppendUvarint(b, uint64(newest.index))
	b = binary.AppendUvarint(b, uint64(len(blocks)))
	for _, one := range blocks {
		b = binary.AppendUvarint(b, uint64(one.index))
		b = binary.AppendUvarint(b, one.bytes)
		b = binary.AppendUvarint(b, one.first)
		b = binary.AppendVarint(b, one.begin-oldest.begin)
		b = binary.AppendUvarint(b, one.last)
		b = binary.AppendVarint(b, one.end-oldest.begin)
		b = append(b, 0, 0, 0) // deleted, with a time to live, scheduled
	}
	b = binary.AppendUvarint(b, uint64(newest.index))
	b = append(b, newest.sum[:]...)
	key := sha256.Sum256([]byte(stream))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		return nil, err
	}
	_, _ = sum.Write(b[start:])
	return sum.Sum(b), nil
}

// startReads is more than how young an event is that a server reads when it starts: it
// looks for ids of its own window, StreamConfig.Duplicates.
const startReads = time.Second

// reindex writes the index of the stream of a channel.
func reindex(folder string) error {
	noted, err := readChecked(folder)
	if err != nil {
		return err
	}
	files, err := listBlocks(folder)
	if err != nil {
		return err
	}
	blocks := make([]block, len(files))
	for i, f := range files {
		b, ok := noted[f.index]
		if ok && b.size == f.size && i < len(files)-1 && time.Since(time.Unix(0, b.end)) > startReads {
			blocks[i] = b
			continue
		}
		b, damaged, err := scanFile(folder, f.index)
		if err == nil && (len(damaged) > 0 || b.size != f.size) {
			err = errBlock
		}
		if err != nil {
			return fmt.Errorf("reading block %d: %w", f.index, err)
		}
		blocks[i] = b
	}
	index, err := appendIndex(nil, filepath.Base(folder), blocks)
	if err != nil {
		return err
	}
	return os.WriteFile(indexPath(folder), index, 0o600)
}

// What is noted of a checked block is a record of numbers, with a checksum before
// them, in the folder of the stream, so that it goes with that.
const checkedSize = 4 + 4 + 8*8 + blockSum

func checkedPath(folder string) string { return filepath.Join(folder, "headway-checked") }

func (b *block) append(dst []byte) []byte {
	start, odd := len(dst), uint64(0)
	if b.odd {
		odd = 1
	}
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, b.index)
	for _, n := range [...]uint64{uint64(b.size), b.first, b.last, uint64(b.begin), uint64(b.end), b.bytes, b.deleted, odd} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	dst = append(dst, b.sum[:]...)
	binary.LittleEndian.PutUint32(dst[start:], crc32.ChecksumIEEE(dst[start+4:]))
	return dst
}

// readChecked returns the blocks that are noted; damaged notes are none.
func readChecked(folder string) (map[uint32]block, error) {
	data, err := os.ReadFile(checkedPath(folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	noted := map[uint32]block{}
	for ; len(data) >= checkedSize; data = data[checkedSize:] {
		r := data[:checkedSize]
		if binary.LittleEndian.Uint32(r) != crc32.ChecksumIEEE(r[4:]) {
			continue
		}
		b := block{index: binary.LittleEndian.Uint32(r[4:])}
		var n [8]uint64
		for i := range n {
			n[i] = binary.LittleEndian.Uint64(r[8+8*i:])
		}
		b.size, b.first, b.last, b.begin, b.end, b.bytes, b.deleted = int64(n[0]), n[1], n[2], int64(n[3]), int64(n[4]), n[5], n[6]
		b.odd = n[7] != 0
		copy(b.sum[:], r[8+len(n)*8:])
		noted[b.index] = b
	}
	return noted, nil
}

// noteChecked writes what is known of the blocks of a stream.
func noteChecked(folder string, blocks []block) error {
	var data []byte
	for i := range blocks {
		data = blocks[i].append(data)
	}
	path := checkedPath(folder)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
