// Command sender sends an event to the channel that it is told of and answers what
// it was answered.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ready") })
	http.HandleFunc("POST /send/{channel}/{id}", send)
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

func send(w http.ResponseWriter, r *http.Request) {
	channel := r.PathValue("channel")
	token, err := os.ReadFile("/var/run/secrets/headway/events/" + channel)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	url := os.Getenv("HEADWAY_CHANNEL_" + strings.ToUpper(channel))
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for name, value := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": r.PathValue("id"), "Ce-Source": "/sender", "Ce-Type": "sent",
		"Content-Type": "application/json", "Authorization": "Bearer " + string(token)} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}
