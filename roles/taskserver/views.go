package taskserver

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"finest/internal/contract"
)

// Sizes of pages.
const (
	defaultPage = 100
	maxPage     = 500
	// maxProofPage bounds a page of proofs in bytes.
	maxProofPage = 16 << 20
)

func (s *Server) getServer(*http.Request) (any, error) { return s.info, nil }

func (s *Server) getRecipes(*http.Request) (any, error) {
	return contract.RecipeList{Recipes: s.info.Recipes}, nil
}

func (s *Server) getHealth(r *http.Request) (any, error) {
	if err := s.store.Ping(r.Context()); err != nil {
		return nil, err
	}
	return map[string]string{"status": "ok"}, nil
}

func (s *Server) getTasks(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return nil, err
	}
	s.known(r.Context())
	tasks, err := s.store.Tasks(r.Context(), query.Get("crawl"), query.Get("state"), query.Get("after"), limit)
	if err != nil {
		return nil, err
	}
	list := contract.TaskList{Tasks: make([]contract.TaskView, 0, len(tasks))}
	for _, t := range tasks {
		list.Tasks = append(list.Tasks, viewOf(t))
	}
	if len(tasks) == limit {
		list.Next = tasks[limit-1].ID
	}
	return list, nil
}

func (s *Server) getTask(r *http.Request) (any, error) {
	ctx := r.Context()
	block := s.known(ctx)
	task, err := s.store.Task(ctx, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	view := viewOf(task)
	if view.Submissions, err = s.store.Submissions(ctx, task.ID, 0, maxPage); err != nil {
		return nil, err
	}
	if view.Verdicts, err = s.store.Verdicts(ctx, task.ID, block); err != nil {
		return nil, err
	}
	return view, nil
}

func (s *Server) getSubmissions(r *http.Request) (any, error) {
	query := r.URL.Query()
	since, err := sinceOf(query)
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(query)
	if err != nil {
		return nil, err
	}
	page, err := s.store.Submissions(r.Context(), query.Get("task"), since, limit)
	if err != nil {
		return nil, err
	}
	list := contract.SubmissionList{Submissions: orEmpty(page), Next: since}
	if len(page) > 0 {
		list.Next = page[len(page)-1].Seq
	}
	return list, nil
}

func (s *Server) getProofs(r *http.Request) (any, error) {
	since, err := sinceOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	page, err := s.store.Proofs(r.Context(), since, defaultPage, maxProofPage)
	if err != nil {
		return nil, err
	}
	list := contract.ProofList{Proofs: orEmpty(page), Next: since}
	if len(page) > 0 {
		list.Next = page[len(page)-1].Seq
	}
	return list, nil
}

func (s *Server) getLeaderboard(r *http.Request) (any, error) {
	standings, err := s.store.Standings(r.Context(), s.known(r.Context()))
	if err != nil {
		return nil, err
	}
	return contract.Leaderboard{Standings: orEmpty(standings)}, nil
}

// known returns the newest block the server knows of. What is public stays so
// while the chain cannot be read.
func (s *Server) known(ctx context.Context) uint64 {
	head, err := s.head(ctx)
	if err != nil {
		s.log.Debug().Err(err).Msg("answering at the last known block")
		return s.expired.Load()
	}
	return head.Number
}

func viewOf(t Task) contract.TaskView {
	return contract.TaskView{Task: t.ID, Crawl: t.Crawl, CatalogueSHA256: t.CatalogueSHA256, Files: t.Files,
		State: t.State, Generation: t.Generation, DeadlineBlock: t.DeadlineBlock}
}

func sinceOf(query url.Values) (int64, error) {
	text := query.Get("since")
	if text == "" {
		return 0, nil
	}
	since, err := strconv.ParseInt(text, 10, 64)
	if err != nil || since < 0 {
		return 0, problem(contract.ProblemMalformed, "since=%.40s is not a sequence number", text)
	}
	return since, nil
}

func limitOf(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxPage {
		return 0, problem(contract.ProblemMalformed, "limit=%.40s is not 1 to %d", text, maxPage)
	}
	return limit, nil
}

// orEmpty makes the JSON of an empty list [] rather than null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
