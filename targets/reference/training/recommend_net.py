"""The recommend agent's network: tables of users, hours and items, and a small network where the two sides meet."""

import torch
from recommend_truth import HOURS, ITEMS, USERS
from torch import Tensor, nn

WIDTH, HOUR_WIDTH, HIDDEN = 64, 32, 128
PADDING_SCORE = -1e9
"""The score of padding: below that of every item, and finite."""


class Network(nn.Module):
    """Rows [batch, 2 + items] of user, hour and items, each counted from 1, to scores [batch, items]."""

    def __init__(self) -> None:
        super().__init__()
        self.users = nn.Embedding(USERS + 1, WIDTH, padding_idx=0)
        self.hours = nn.Embedding(HOURS + 1, HOUR_WIDTH, padding_idx=0)
        self.items = nn.Embedding(ITEMS + 1, WIDTH, padding_idx=0)
        self.quality = nn.Embedding(ITEMS + 1, 1, padding_idx=0)
        for table in (self.users, self.hours, self.items, self.quality):
            nn.init.normal_(table.weight, std=0.05)
        self.widen, self.narrow = nn.Linear(WIDTH + HOUR_WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.meet, self.weigh = nn.Linear(2 * WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.judge = nn.Linear(WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Score every item of every row."""
        user, hour, items = features[:, 0], features[:, 1], features[:, 2:]
        wanted = self.wanted(self.users(user), self.hours(hour))
        item = self.items(items)
        both = item * wanted[:, None, :]
        judged = self.judged(torch.cat((both, item), dim=2)) + self.quality(items)
        found = both.sum(dim=2) + judged.squeeze(2)
        return torch.where(items > 0, found, torch.full_like(found, PADDING_SCORE))

    def wanted(self, user: Tensor, hour: Tensor) -> Tensor:
        """What a user looks for at an hour."""
        wide = nn.functional.relu(self.widen(torch.cat((user, hour), dim=1)))
        found: Tensor = user + self.narrow(wide)
        return found

    def judged(self, pairs: Tensor) -> Tensor:
        """What the product of the two sides leaves out."""
        found: Tensor = self.judge(nn.functional.relu(self.weigh(nn.functional.relu(self.meet(pairs)))))
        return found
