package intake

import (
	"encoding/binary"
	"errors"
)

var errDelta = errors.New("a delta that does not fit its base")

// patch makes an object from a delta and what it is against, in the format of
// https://git-scm.com/docs/pack-format#_deltified_representation. It takes the
// memory of its result and no more; the caller has bounded that.
func patch(base, delta []byte) ([]byte, error) {
	source, n := binary.Uvarint(delta)
	if n <= 0 || source != uint64(len(base)) {
		return nil, errDelta
	}
	delta = delta[n:]
	target, n := binary.Uvarint(delta)
	if n <= 0 {
		return nil, errDelta
	}
	delta = delta[n:]
	out := make([]byte, 0, target)
	for len(delta) > 0 {
		var piece []byte
		command := delta[0]
		delta = delta[1:]
		switch {
		case command&0x80 != 0:
			from, length, rest, ok := copied(command, delta)
			if !ok || from > uint64(len(base)) || length > uint64(len(base))-from {
				return nil, errDelta
			}
			piece, delta = base[from:from+length], rest
		case command == 0 || int(command) > len(delta):
			return nil, errDelta
		default:
			piece, delta = delta[:command], delta[command:]
		}
		if uint64(len(piece)) > target-uint64(len(out)) {
			return nil, errDelta
		}
		out = append(out, piece...)
	}
	if uint64(len(out)) != target {
		return nil, errDelta
	}
	return out, nil
}

// copied reads where to copy from, and how much: the bits of the command say
// which of the seven bytes follow.
func copied(command byte, delta []byte) (from, length uint64, rest []byte, ok bool) {
	for i := range 7 {
		if command&(1<<i) == 0 {
			continue
		}
		if len(delta) == 0 {
			return 0, 0, nil, false
		}
		if i < 4 {
			from |= uint64(delta[0]) << (8 * i)
		} else {
			length |= uint64(delta[0]) << (8 * (i - 4))
		}
		delta = delta[1:]
	}
	if length == 0 {
		length = 0x10000
	}
	return from, length, delta, true
}
