package git

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestOneCrowdAtATime: a session with very many refs waits for another one, and
// those with few do not.
func TestOneCrowdAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crowd := newCrowd()
		read := func(p *place, n int) error {
			ctx, cancel := context.WithTimeout(withPlace(t.Context(), p), 30*time.Second)
			defer cancel()
			_, err := io.Copy(io.Discard, advertised(ctx, bytes.NewReader(make([]byte, n))))
			return err
		}
		first, few, second := &place{crowd: crowd}, &place{crowd: crowd}, &place{crowd: crowd}
		if err := errors.Join(read(first, 1<<20), read(few, 100<<10)); err != nil {
			t.Fatal(err)
		}
		if err := read(second, 1<<20); AsError(err).Reason != v1alpha1.ReasonWaitingForSlot {
			t.Errorf("a second one, while the first looks: %v", err)
		}
		time.AfterFunc(10*time.Second, first.leave)
		if err := read(second, 1<<20); err != nil {
			t.Errorf("when the first has ended: %v", err)
		}
		second.leave()
		second.leave()
		if err := read(few, 1<<20); err != nil {
			t.Error(err)
		}
	})
}
