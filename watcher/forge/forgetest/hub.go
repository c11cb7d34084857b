package forgetest

import (
	"net/http"
	"slices"
	"strings"
)

// dialect is how GitHub and Gitea differ below /repos/OWNER/NAME.
type dialect struct {
	github     bool
	size, base string
}

// GitHub answers as GitHub Enterprise does, below /api/v3.
func (w *World) GitHub() http.Handler { return w.hub(dialect{true, "per_page", "/api/v3"}) }

// Gitea answers as Gitea 1.25 does.
func (w *World) Gitea() http.Handler {
	w.Tags = false
	return w.hub(dialect{false, "limit", "/api/v1"})
}

func (w *World) hub(d dialect) http.Handler {
	mux := http.NewServeMux()
	repo := d.base + "/repos/acme/shop"
	w.handle(mux, "GET "+d.base+"/user", func(*http.Request, object) reply { return ok(w.user(d, w.Self)) })
	w.handle(mux, "GET "+repo, func(*http.Request, object) reply {
		r := ok(object{"private": true, "permissions": object{"admin": w.Roles[w.Self] == "admin", "push": true, "pull": true}})
		if d.github {
			r.header = map[string]string{"X-OAuth-Scopes": "repo"}
		}
		return r
	})
	w.handle(mux, "GET "+repo+"/pulls", func(r *http.Request, _ object) reply {
		list := []object{}
		for _, p := range w.open() {
			list = append(list, w.pull(d, p))
		}
		return pages(r, list, d.size)
	})
	w.handle(mux, "POST "+repo+"/pulls", func(_ *http.Request, in object) reply {
		p := Request{Number: w.next(), Title: text(in, "title"), Author: w.Self, Head: text(in, "head"), SHA: strings.Repeat("9", 40), Base: text(in, "base")}
		w.Requests = append(w.Requests, p)
		return reply{status: 201, body: w.pull(d, p)}
	})
	w.handle(mux, "GET "+repo+"/pulls/{n}/reviews", func(r *http.Request, _ object) reply {
		list := []object{}
		for i, v := range w.Reviews[number(r, "n")] {
			list = append(list, w.review(d, int64(i), v))
		}
		return pages(r, list, d.size)
	})
	w.handle(mux, "GET "+repo+"/collaborators/{user}/permission", func(r *http.Request, _ object) reply {
		role, known := w.Roles[r.PathValue("user")]
		if !known && !d.github {
			return missing()
		}
		if !known {
			role = "read" // of a public repository
		}
		return ok(object{"permission": role, "role_name": role, "user": w.user(d, r.PathValue("user"))})
	})
	w.statuses(mux, repo)
	w.comments(mux, d, repo)
	if d.github {
		w.deployments(mux, repo)
	} else {
		w.handle(mux, "PATCH "+repo+"/pulls/{n}", func(*http.Request, object) reply { return missing() })
	}
	return mux
}

func (w *World) user(d dialect, login string) object {
	u := object{"id": id(login), "login": login, "avatar_url": ""}
	if d.github {
		u["type"] = "User"
		if slices.Contains(w.Bots, login) {
			u["type"] = "Bot"
		}
	}
	return u
}

func (w *World) pull(d dialect, p Request) object {
	base, head := object{"ref": p.Base, "sha": strings.Repeat("0", 40)}, object{"ref": p.Head, "sha": p.SHA}
	source := 1
	if p.Fork {
		source = 2
	}
	if d.github {
		base["repo"], head["repo"] = object{"id": 1}, object{"id": source}
		if p.Gone {
			head["repo"] = nil
		}
	} else {
		base["repo_id"], head["repo_id"] = 1, source
		if p.Gone {
			head["repo_id"] = -1
		}
		if p.AGit {
			head["repo_id"], head["ref"] = 1, "refs/pull/"+itoa(p.Number)+"/head"
		}
	}
	return object{
		"number": p.Number, "title": p.Title, "user": w.user(d, p.Author), "draft": p.Draft, "state": "open", "body": nil,
		"html_url": "https://git.example.com/acme/shop/pulls/" + itoa(p.Number), "updated_at": "2026-11-27T12:00:00Z",
		"labels": []object{{"id": 1, "name": "bug"}}, "head": head, "base": base,
	}
}

func (w *World) review(d dialect, id int64, v Review) object {
	o := object{"id": id, "user": w.user(d, v.By), "state": v.State, "commit_id": v.Commit, "submitted_at": v.At, "body": ""}
	if !d.github {
		o["dismissed"] = v.State == "DISMISSED"
		switch v.State {
		case "DISMISSED":
			o["state"] = "APPROVED"
		case "CHANGES_REQUESTED":
			o["state"] = "REQUEST_CHANGES"
		case "COMMENTED":
			o["state"] = "COMMENT"
		}
	}
	return o
}

func (w *World) statuses(mux *http.ServeMux, repo string) {
	w.handle(mux, "POST "+repo+"/statuses/{sha}", func(r *http.Request, in object) reply {
		if text(in, "state") == "" {
			return reply{status: 422, body: object{"message": "Validation Failed"}}
		}
		s := Status{ID: w.next(), Context: text(in, "context"), State: text(in, "state"), Description: text(in, "description"), URL: text(in, "target_url")}
		w.Statuses[r.PathValue("sha")] = append(w.Statuses[r.PathValue("sha")], s)
		return reply{status: 201, body: object{"id": s.ID}}
	})
	w.handle(mux, "GET "+repo+"/commits/{sha}/status", func(r *http.Request, _ object) reply {
		newest := map[string]Status{}
		for _, s := range w.Statuses[r.PathValue("sha")] {
			newest[s.Context] = s
		}
		list := []object{}
		for _, s := range newest {
			list = append(list, object{"id": s.ID, "context": s.Context, "state": s.State, "status": s.State, "description": s.Description, "target_url": s.URL})
		}
		return ok(object{"state": "pending", "total_count": len(list), "statuses": list})
	})
}

func (w *World) comments(mux *http.ServeMux, d dialect, repo string) {
	show := func(c Comment) object {
		return object{"id": c.ID, "user": w.user(d, c.By), "body": c.Body, "created_at": c.At, "updated_at": c.At}
	}
	w.handle(mux, "GET "+repo+"/issues/{n}/comments", func(r *http.Request, _ object) reply {
		list := []object{}
		for _, c := range w.Comments[number(r, "n")] {
			list = append(list, show(c))
		}
		if !d.github { // all in one
			return ok(list)
		}
		return pages(r, list, d.size)
	})
	w.handle(mux, "POST "+repo+"/issues/{n}/comments", func(r *http.Request, in object) reply {
		c := Comment{ID: w.next(), By: w.Self, Body: text(in, "body")}
		w.Comments[number(r, "n")] = append(w.Comments[number(r, "n")], c)
		return reply{status: 201, body: show(c)}
	})
	w.handle(mux, "PATCH "+repo+"/issues/comments/{id}", func(r *http.Request, in object) reply {
		body := text(in, "body")
		c, found := w.edit(number(r, "id"), &body)
		if !found {
			return missing()
		}
		return ok(show(c))
	})
	w.handle(mux, "DELETE "+repo+"/issues/comments/{id}", func(r *http.Request, _ object) reply {
		if _, found := w.edit(number(r, "id"), nil); !found {
			return missing()
		}
		return reply{status: http.StatusNoContent}
	})
}

func (w *World) deployments(mux *http.ServeMux, repo string) {
	find := func(id int64) int { return slices.IndexFunc(w.Deployed, func(d Deployment) bool { return d.ID == id }) }
	w.handle(mux, "GET "+repo+"/deployments", func(r *http.Request, _ object) reply {
		list := []object{}
		for _, d := range w.Deployed {
			q := r.URL.Query()
			if d.Environment == q.Get("environment") && (q.Get("sha") == "" || q.Get("sha") == d.SHA) {
				list = append(list, object{"id": d.ID, "sha": d.SHA, "environment": d.Environment})
			}
		}
		return pages(r, list, "per_page")
	})
	w.handle(mux, "POST "+repo+"/deployments", func(_ *http.Request, in object) reply {
		contexts, given := in["required_contexts"].([]any)
		if text(in, "ref") == "" || in["auto_merge"] != false || !given || len(contexts) > 0 {
			return reply{status: 422, body: object{"message": "Validation Failed"}}
		}
		transient, _ := in["transient_environment"].(bool)
		d := Deployment{ID: w.next(), Environment: text(in, "environment"), SHA: text(in, "ref"), Transient: transient}
		w.Deployed = append(w.Deployed, d)
		return reply{status: 201, body: object{"id": d.ID}}
	})
	w.handle(mux, "POST "+repo+"/deployments/{id}/statuses", func(r *http.Request, in object) reply {
		i := find(number(r, "id"))
		if i < 0 {
			return missing()
		}
		w.Deployed[i].States = append(w.Deployed[i].States, text(in, "state"))
		w.Deployed[i].URL = text(in, "environment_url")
		return reply{status: 201, body: object{"id": w.next()}}
	})
	w.handle(mux, "DELETE "+repo+"/deployments/{id}", func(r *http.Request, _ object) reply {
		i := find(number(r, "id"))
		if i < 0 {
			return missing()
		}
		if states := w.Deployed[i].States; len(states) == 0 || states[len(states)-1] != "inactive" {
			return reply{status: 422, body: object{"message": "We cannot delete an active deployment unless it is the only deployment in a given environment."}}
		}
		w.Deployed = slices.Delete(w.Deployed, i, i+1)
		return reply{status: http.StatusNoContent}
	})
	w.handle(mux, "DELETE "+repo+"/environments/{name}", func(*http.Request, object) reply {
		return reply{status: 403, body: object{"message": "Resource not accessible by integration"}}
	})
}
