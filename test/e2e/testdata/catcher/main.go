// Command catcher shows the events that have come to it. As a container source, it
// sends one event every second instead.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	if sink := os.Getenv("K_SINK"); sink != "" {
		send(sink, os.Getenv("K_CE_OVERRIDES"))
	}
	http.Handle("/", &book{came: []event{}})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

// send sends events for ever, each until it is accepted.
func send(sink, overrides string) {
	var add struct{ Extensions map[string]string }
	if err := json.Unmarshal([]byte(overrides), &add); err != nil {
		log.Fatal(err)
	}
	for n := 0; ; time.Sleep(time.Second) {
		request, err := http.NewRequest(http.MethodPost, sink, strings.NewReader("{}"))
		if err != nil {
			log.Fatal(err)
		}
		request.Header = http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {fmt.Sprint("sent-", n)}, "Ce-Source": {"/catcher"}, "Ce-Type": {"sent"}, "Content-Type": {"application/json"}}
		for name, value := range add.Extensions {
			request.Header.Set("ce-"+name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			log.Print(err)
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusAccepted {
			n++
		} else {
			log.Print(response.Status)
		}
	}
}

// event is what is shown of one.
type event struct{ Path, ID, Type, Subject, Region, Data string }

// book shows what has come to whoever asks by GET.
type book struct {
	mu   sync.Mutex
	came []event
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(b.came)
		return
	}
	of := func(name string) string { return r.Header.Get("ce-" + name) }
	b.came = append(b.came, event{r.URL.Path, of("id"), of("type"), of("subject"), of("region"), string(data)})
}
