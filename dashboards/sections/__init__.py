"""Parts of «Сопровождение», one subject each: what a tab of the page holds."""
