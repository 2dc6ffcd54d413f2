"""Two stored studies, or two folders of measurements: what differs, and what of it is more than noise."""
