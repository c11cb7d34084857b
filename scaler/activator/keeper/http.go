package keeper

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/table"
)

// Path is where a member is asked, on its admin port.
const Path = "GET /held/{namespace}/{name}"

// askTimeout bounds one question.
const askTimeout = time.Second

// Handler answers other members. A revision that this activator does not know
// (yet) it does not keep.
func Handler(tables *atomic.Pointer[table.Table]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var held Held
		rev := tables.Load().Revision(table.Key{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")})
		if rev != nil {
			held.Mine, held.InFlight = rev.Held()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(held) // the member asks again
	})
}

// AskHTTP makes the function that asks a member on its admin port.
func AskHTTP(port string) func(context.Context, Member, table.Key) (Held, error) {
	client := &http.Client{Timeout: askTimeout, Transport: &http.Transport{IdleConnTimeout: 10 * time.Second}}
	return func(ctx context.Context, m Member, key table.Key) (Held, error) {
		url := "http://" + net.JoinHostPort(m.IP, port) + "/held/" + key.Namespace + "/" + key.Name
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return Held{}, fmt.Errorf("making the question: %w", err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return Held{}, fmt.Errorf("asking activator %s: %w", m.Name, err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return Held{}, fmt.Errorf("asking activator %s: %s", m.Name, resp.Status)
		}
		var held Held
		if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&held); err != nil {
			return Held{}, fmt.Errorf("reading the answer of activator %s: %w", m.Name, err)
		}
		return held, nil
	}
}
