package web

func (s *Server) getOpenAPI(x *exchange) error {
	data, err := siteFiles.ReadFile("openapi.json")
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = x.w.Write(data)
	return nil
}
