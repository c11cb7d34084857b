package intake

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
)

// packer writes packs that git would not write.
type packer struct {
	bytes.Buffer
	n uint32
}

// add writes an object, or a delta against the object at an offset, and returns
// its offset.
func (p *packer) add(kind plumbing.ObjectType, against int64, size int64, content io.Reader) int64 {
	if p.n == 0 {
		p.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x00")
	}
	p.n++
	at := int64(p.Len())
	first, rest := byte(kind)<<4|byte(size&15), size>>4
	for ; rest > 0; rest >>= 7 {
		p.WriteByte(first | 0x80)
		first = byte(rest & 0x7f)
	}
	p.WriteByte(first)
	if kind == plumbing.OFSDeltaObject {
		back := at - against
		offset := []byte{byte(back & 0x7f)}
		for back >>= 7; back > 0; back >>= 7 {
			back--
			offset = append([]byte{byte(back&0x7f) | 0x80}, offset...)
		}
		p.Write(offset)
	}
	z, _ := zlib.NewWriterLevel(&p.Buffer, zlib.BestSpeed)
	_, _ = io.Copy(z, content)
	_ = z.Close()
	return at
}

// done is the pack.
func (p *packer) done() []byte {
	pack := p.Bytes()
	binary.BigEndian.PutUint32(pack[8:], p.n)
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func zeroFile(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

// doubling is a delta that writes its base twice.
func doubling(n int64) []byte {
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(n)), uint64(2*n))
	for range 2 {
		for from := int64(0); from < n; from += 1 << 16 {
			length := min(n-from, 1<<16)
			delta = append(delta, 0x80|0x0f|0x30, byte(from), byte(from>>8), byte(from>>16), byte(from>>24), byte(length), byte(length>>8))
		}
	}
	return delta
}
