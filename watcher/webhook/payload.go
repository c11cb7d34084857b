package webhook

import (
	"encoding/json"
	"maps"
	"slices"
)

// payload is the part of a forge's event that names the repository. A field
// that a forge does not send is empty.
type payload struct {
	// Repository: GitHub, Gitea, Forgejo, Gogs, GitLab (older), Bitbucket Server.
	Repository repository `json:"repository"`
	// Project: GitLab.
	Project repository `json:"project"`
	// The plain form: {"url": "..."}, for a post-receive hook or a script.
	URL string `json:"url"`
}

// repository has the names that the forges use for the same thing.
type repository struct {
	CloneURL   string `json:"clone_url"`
	SSHURL     string `json:"ssh_url"`
	HTMLURL    string `json:"html_url"`
	GitURL     string `json:"git_url"`
	GitHTTPURL string `json:"git_http_url"`
	GitSSHURL  string `json:"git_ssh_url"`
	HTTPURL    string `json:"http_url"`
	WebURL     string `json:"web_url"`
	Homepage   string `json:"homepage"`
	URL        string `json:"url"`
	// Links: Bitbucket. Cloud has html, Server has clone.
	Links struct {
		HTML  link            `json:"html"`
		Clone json.RawMessage `json:"clone"`
	} `json:"links"`
}

type link struct {
	Href string `json:"href"`
}

// URLs finds the repository's URLs in the body of a webhook, normalised, each
// once, sorted. It is empty for a body that names no repository.
func URLs(body []byte) []string {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		// A field of another type than expected must not hide the others,
		// and does not: decoding goes on behind it.
		if !json.Valid(body) {
			return nil
		}
	}
	found := map[string]bool{}
	add := func(urls ...string) {
		for _, u := range urls {
			if n := Normalize(u); n != "" {
				found[n] = true
			}
		}
	}
	add(p.URL)
	for _, r := range []repository{p.Repository, p.Project} {
		add(r.CloneURL, r.SSHURL, r.HTMLURL, r.GitURL, r.GitHTTPURL, r.GitSSHURL, r.HTTPURL, r.WebURL, r.Homepage, r.URL, r.Links.HTML.Href)
		var clones []link
		if json.Unmarshal(r.Links.Clone, &clones) == nil {
			for _, clone := range clones {
				add(clone.Href)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
