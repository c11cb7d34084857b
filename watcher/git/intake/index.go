package intake

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto"
	"encoding/binary"
	"io"
	"math"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/hash"
)

// writeIndex writes the index of a pack, version 2 of
// https://git-scm.com/docs/pack-format#_version_2_pack_idx_files_support_packs_larger_than_4_gib_and,
// of those entries alone that are listed, which it sorts.
func writeIndex(to io.Writer, entries []entry, listed []int32, checksum plumbing.Hash) error {
	slices.SortFunc(listed, func(a, b int32) int { return bytes.Compare(entries[a].hash[:], entries[b].hash[:]) })
	listed = slices.CompactFunc(listed, func(a, b int32) bool { return entries[a].hash == entries[b].hash })
	sum := hash.New(crypto.SHA1)
	out := bufio.NewWriter(io.MultiWriter(to, sum))
	var number [8]byte
	put := func(n uint32) { _, _ = out.Write(binary.BigEndian.AppendUint32(number[:0], n)) } // Flush has the error
	_, _ = out.WriteString("\377tOc")
	put(2)
	for fan, at := 0, 0; fan < 256; fan++ {
		for at < len(listed) && int(entries[listed[at]].hash[0]) <= fan {
			at++
		}
		put(uint32(at))
	}
	for _, i := range listed {
		_, _ = out.Write(entries[i].hash[:])
	}
	for _, i := range listed {
		put(entries[i].crc)
	}
	var far []int64
	for _, i := range listed {
		if offset := entries[i].offset; offset > math.MaxInt32 {
			put(1<<31 | uint32(len(far)))
			far = append(far, offset)
		} else {
			put(uint32(offset))
		}
	}
	for _, offset := range far {
		_, _ = out.Write(binary.BigEndian.AppendUint64(number[:0], uint64(offset)))
	}
	_, _ = out.Write(checksum[:])
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := to.Write(sum.Sum(nil))
	return err
}

// byOffset finds an entry.
func byOffset(e entry, offset int64) int { return cmp.Compare(e.offset, offset) }
