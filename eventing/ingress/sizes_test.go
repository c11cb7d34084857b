package ingress

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/headway-dev/headway/eventing/access"
)

// TestEverySize: what is kept has the bytes that were sent, up to the largest event
// of a channel, whether or not their number was said before; one more is refused.
func TestEverySize(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	for _, most := range []int{64 << 10, 1 << 20, 8 << 20} {
		log := &memory{}
		h := New(access.NewGuard(nobody{}, time.Now), slog.New(slog.DiscardHandler))
		h.Open(orders, Door{Log: log, MaxEvent: int64(most), Rule: ruleOf(nil)})
		h.Ready()
		server := httptest.NewServer(h)
		for _, size := range []int{0, 1, 1023, 1024, 1025, 4<<10 + 1, most/2 + 1, most - 1, most, most + 1} {
			data := make([]byte, size)
			_, _ = random.Read(data) // never fails
			for form, body := range map[string]io.Reader{
				"with its length": bytes.NewReader(data),
				"in chunks":       io.MultiReader(bytes.NewReader(data)),
			} {
				what := fmt.Sprintf("%d bytes of %d, %s", size, most, form)
				log.events = nil
				got := send(t, http.MethodPost, server.URL+"/shop/orders", headers("Content-Type", "application/octet-stream"), body)
				switch {
				case size > most:
					if got.status != http.StatusRequestEntityTooLarge || len(log.events) > 0 {
						t.Errorf("%s: answered %d", what, got.status)
					}
				case got.status != http.StatusAccepted:
					t.Errorf("%s: answered %d: %s", what, got.status, got.text)
				case !bytes.Equal(log.events[0].Data, data):
					t.Errorf("%s: other bytes are kept", what)
				}
			}
		}
		server.Close()
	}
}
