package site

import (
	"net/http"
	"path"
	"strconv"
	"strings"
)

// unknown answers a path that has no file: with the fallback page where the
// site has one and the client wants a page, else with 404.
func (h *Handler) unknown(w http.ResponseWriter, r *http.Request) {
	if h.fallback != "" {
		w.Header().Add("Vary", "Accept")
	}
	if h.fallback == "" || !wantsPage(r.URL.Path, r.Header.Get("Accept")) || !h.send(w, r, h.fallback) {
		h.notFound(w, r)
	}
}

// wantsPage reports whether a request is for a page of the app. A browser that
// opens a page names text/html. Scripts, pictures, fetch and curl accept
// anything: they get the page where the last part of the path does not look
// like a file's name. A script that is gone must be a 404, not a page that the
// browser then fails to run.
func wantsPage(target, accept string) bool {
	named, anything := false, accept == ""
	for part := range strings.SplitSeq(accept, ",") {
		media, parameters, _ := strings.Cut(part, ";")
		if refused(parameters) {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "text/html":
			named = true
		case "text/*", "*/*":
			anything = true
		}
	}
	return named || anything && path.Ext(target) == ""
}

// refused reports whether the parameters of a media range give it the weight 0.
func refused(parameters string) bool {
	_, weight, ok := strings.Cut(parameters, "q=")
	if !ok {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
	return err == nil && q == 0
}
