package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// Objects are those that the cache has already, and where objects are put that
// are not left in their pack.
type objects interface {
	// Base gives an object that a thin pack has deltas against; the error is
	// plumbing.ErrObjectNotFound where there is none.
	Base(plumbing.Hash) (plumbing.ObjectType, []byte, error)
	// Put stores an object, which content writes, unless it is there.
	Put(o entry, content func(io.Writer) error) error
}

// resolver makes objects of the deltas of a pack, each base before what is made
// from it. Contents of bases wait on a stack; those past hold are dropped and
// made again.
type resolver struct {
	*scanned
	scanner *packfile.Scanner
	objects objects
	bounds  Bounds
	// hold is how many bytes of bases are kept on the stack.
	hold int64
	// put reports whether an object is stored by itself.
	put func(entry) bool
	// first and next are the deltas against each entry, as lists; byHash those
	// against what is named by its hash.
	first, next []int32
	byHash      map[plumbing.Hash][]int32
}

// base is an object that deltas are against.
type base struct {
	// at is its index; external where it is none of the pack.
	at   int32
	hash plumbing.Hash
	kind plumbing.ObjectType
	// content is nil where it was dropped.
	content []byte
	left    []int32
}

func newResolver(s *scanned, file io.ReadSeeker, to objects, b Bounds, put func(entry) bool) *resolver {
	return &resolver{scanned: s, scanner: packfile.NewScanner(file), objects: to, bounds: b, hold: holdBytes, put: put}
}

func (r *resolver) resolve() error {
	r.first, r.next, r.byHash = fill(len(r.entries)), fill(len(r.entries)), map[plumbing.Hash][]int32{}
	for i := range slices.Backward(r.entries) {
		if to := r.entries[i].base; to >= 0 {
			r.next[i], r.first[to] = r.first[to], int32(i)
		}
	}
	for i, hash := range r.refs {
		r.byHash[hash] = append(r.byHash[hash], i)
	}
	for i, e := range r.entries {
		if e.base != whole {
			continue
		}
		if deltas := r.against(int32(i), e.hash); len(deltas) > 0 {
			if err := r.tree(base{at: int32(i), hash: e.hash, kind: e.kind, left: deltas}); err != nil {
				return err
			}
		}
	}
	return r.external()
}

// external resolves what is left: deltas against objects that the cache has, and
// what is made from those. What is not there when its turn comes may be made from
// another one later.
func (r *resolver) external() error {
	for hash, deltas := range r.byHash {
		kind, content, err := r.objects.Base(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		delete(r.byHash, hash)
		if err := r.tree(base{at: external, hash: hash, kind: kind, content: content, left: deltas}); err != nil {
			return err
		}
	}
	for hash := range r.byHash {
		return &Problem{Kind: Incomplete, Message: fmt.Sprintf("the pack has deltas against %s, which is not here", hash)}
	}
	return nil
}

func fill(n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = whole
	}
	return list
}

// against takes the deltas that are against an object.
func (r *resolver) against(at int32, hash plumbing.Hash) []int32 {
	deltas := r.byHash[hash]
	delete(r.byHash, hash)
	for i := r.first[at]; i >= 0; i = r.next[i] {
		deltas = append(deltas, i)
	}
	return deltas
}

// tree resolves what is made from one object.
func (r *resolver) tree(root base) error {
	stack := []base{root}
	held := int64(len(root.content))
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		i := top.left[0]
		top.left = top.left[1:]
		if top.content == nil {
			content, err := r.again(top)
			if err != nil {
				return err
			}
			top.content = content
			held += int64(len(content))
		}
		content, err := r.make(i, top)
		if err != nil {
			return err
		}
		if len(top.left) == 0 { // a chain holds two objects, however long it is
			held -= int64(len(top.content))
			top.content = nil
			stack = stack[:len(stack)-1]
		}
		if deltas := r.against(i, r.entries[i].hash); len(deltas) > 0 {
			stack = append(stack, base{at: i, hash: r.entries[i].hash, kind: r.entries[i].kind, content: content, left: deltas})
			held += int64(len(content))
		}
		for j := 0; j < len(stack)-1 && held > r.hold; j++ {
			held -= int64(len(stack[j].content))
			stack[j].content = nil
		}
	}
	return nil
}

// make makes the object of a delta.
func (r *resolver) make(i int32, from *base) ([]byte, error) {
	e := &r.entries[i]
	if e.size > largeBytes {
		debug.FreeOSMemory() // the results before this one are not needed any more
	}
	delta, err := r.read(i)
	if err != nil {
		return nil, err
	}
	content, err := patch(from.content, delta)
	if err != nil {
		return nil, malformed(err)
	}
	if err := fits(from.kind, e.size, r.bounds); err != nil {
		return nil, err
	}
	e.kind, e.hash = from.kind, plumbing.ComputeHash(from.kind, content)
	if e.base == external && from.at >= 0 {
		e.base, e.chain = from.at, r.entries[from.at].chain+e.size
	}
	if r.put(*e) {
		err = r.objects.Put(*e, func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		})
	}
	return content, err
}

// again makes the content of a base anew.
func (r *resolver) again(b *base) ([]byte, error) {
	if b.at == external {
		_, content, err := r.objects.Base(b.hash)
		return content, err
	}
	var path []int32
	at := b.at
	for ; at >= 0 && r.entries[at].base != whole; at = r.entries[at].base {
		path = append(path, at)
	}
	var content []byte
	var err error
	if at >= 0 {
		content, err = r.read(at)
	} else {
		_, content, err = r.objects.Base(r.refs[path[len(path)-1]])
	}
	for _, i := range slices.Backward(path) {
		var delta []byte
		if err == nil {
			delta, err = r.read(i)
		}
		if err == nil {
			content, err = patch(content, delta)
		}
	}
	return content, err
}

// read uncompresses what stands in the pack.
func (r *resolver) read(i int32) ([]byte, error) {
	header, err := r.scanner.SeekObjectHeader(r.entries[i].offset)
	if err != nil {
		return nil, malformed(err)
	}
	content := bytes.NewBuffer(make([]byte, 0, header.Length+bytes.MinRead))
	if _, _, err := r.scanner.NextObject(content); err != nil {
		return nil, malformed(err)
	}
	return content.Bytes(), nil
}
