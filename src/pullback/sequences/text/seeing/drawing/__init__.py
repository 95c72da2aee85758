"""The figures, drawn with matplotlib, which nothing else imports: numbers in, a `Sheet` out."""
